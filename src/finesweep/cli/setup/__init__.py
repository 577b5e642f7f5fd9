"""Commands before the first sweep: a file of yours, its data, this machine."""
