"""What a model can do, found by running it on a few short rows: layers, longest input, padding."""
