"""Finds the best fine-tuned text classifier for a dataset and puts it in the model registry."""
