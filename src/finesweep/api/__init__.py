"""The Python API, a module per function, which the command line calls too.

`import finesweep` exports the functions for users, in plain types. Most modules have a second one,
with callbacks, for the command line. Nothing is imported here.
"""
