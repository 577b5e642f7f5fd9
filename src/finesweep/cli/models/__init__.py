"""Commands on registered models: promote, roll back, list, predict, serve."""
