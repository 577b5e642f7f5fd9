"""What measurements prove: seeds, paired rows, looks at one test set, and probabilities."""
