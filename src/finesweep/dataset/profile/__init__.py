"""A dataset in figures: lengths, phrases, balance, examples."""
