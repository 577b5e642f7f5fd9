"""Commands on registered models: promote, roll back, list, export, predict, serve."""
