"""Checkpoints of a running training: its state, the random number generators, and the files."""
