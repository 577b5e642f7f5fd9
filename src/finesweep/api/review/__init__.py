"""Functions of the Python API that look at what was run: compare it, reproduce it."""
