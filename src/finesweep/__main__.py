"""`python -m finesweep` is `finesweep`."""

from finesweep.cli import main

main()
