"""Functions of the Python API around a sweep: plan it, compare and reproduce what was run."""
