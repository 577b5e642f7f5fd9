"""Commands on a sweep: plan, run, join, look, stop, delete."""
