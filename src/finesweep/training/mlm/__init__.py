"""Masked language modelling on the dataset's own text."""
