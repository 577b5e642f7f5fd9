"""Command-line overrides: Hydra's grammar, and our extensions for mappings."""
