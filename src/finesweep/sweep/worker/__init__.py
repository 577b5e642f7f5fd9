"""One process's work: from joining a sweep, through attempts at its slots, to leaving."""
