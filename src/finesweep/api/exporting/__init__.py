"""Exports of the Python API: what is asked for, and the export itself."""
