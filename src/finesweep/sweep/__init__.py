"""Sweeps: search space, study, slots, and the loop that runs one trial after another.

Nothing is imported here, so that `status` does not load torch.
"""
