"""What a model can do, found by running it once, small: its layers, its longest input, and more."""
