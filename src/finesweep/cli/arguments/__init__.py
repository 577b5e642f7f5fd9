"""What commands are given: overrides, texts, models, and their completion."""
