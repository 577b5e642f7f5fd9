"""Overrides as they are typed: how Hydra reads them, and what of it is ours."""
