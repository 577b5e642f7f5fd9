"""The sampler of each slot, and the studies that it may learn from."""
