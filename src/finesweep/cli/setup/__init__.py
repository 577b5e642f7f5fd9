"""Commands before the first sweep: `new`, `doctor`, `schema`."""
