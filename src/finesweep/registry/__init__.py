"""The model registry: winners become versions, and a gate makes champions of them."""
