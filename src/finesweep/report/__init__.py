"""What a sweep says: its report, comparisons and plans."""
