"""One reader for each file format, from a file to tables of all its columns."""
