"""What Python and the command line both call: a module for each thing that is asked.

Each has one function for users, in plain types, and one that the command line shares with it.
`import finesweep` offers the first ones; nothing is imported here.
"""
