"""Commands that look at what was run: compare it, reproduce it."""
