"""From a file of texts and labels to its dataset choice and a sweep: guessed, checked, written."""
