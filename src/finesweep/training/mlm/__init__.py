"""Masked language modelling: a model trained on to guess words of the dataset's own text."""
