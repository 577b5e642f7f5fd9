"""What an optimizer step does: the optimizer, its parameter groups and the learning rate."""
