"""What a sweep says: its state as pictures and words, in one HTML file."""
