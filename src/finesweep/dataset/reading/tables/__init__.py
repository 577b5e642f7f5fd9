"""One reader for each kind of file: how it is written in, tables of all its columns out."""
