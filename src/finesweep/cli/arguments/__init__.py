"""Command-line arguments: Hydra flags and overrides, texts to predict, tab completion."""
