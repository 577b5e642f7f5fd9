"""`finesweep explore [OVERRIDE…]`: a dataset in tables, charts and checks."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from finesweep.cli.arguments.compose_args import composed_from
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import Composed

if TYPE_CHECKING:
    from rich.console import Console

    from finesweep.api.results import Exploration

EXAMPLES = """
examples:
  finesweep explore                                           the demo's tweets
  finesweep explore dataset=imdb model=distilbert             lengths in that model's tokens
  finesweep explore dataset=local dataset.path=reviews.csv    your own file
  finesweep explore dataset=local dataset.path=reviews.csv dataset.checks=strict
                                                              exits 2 on severe findings
"""


def run(arguments: Sequence[str]) -> int:
    composed = composed_from("explore", arguments, examples=EXAMPLES)
    if composed is not None:
        silence_libraries()
        _explore(composed)
    return 0


def _explore(composed: Composed) -> None:
    from finesweep.api.console import screen
    from finesweep.api.exploration import refuse_severe, run_exploration

    console = screen()
    with console.status("reading the dataset") as status:
        explored = run_exploration(composed, on_part=status.update, on_ready=collector.resume)

    from finesweep.cli.screens.dataset_report import print_findings, print_overview

    print_overview(console, explored.numbers)
    print_findings(console, explored.findings)
    _print_end(console, composed, explored)
    refuse_severe(composed, explored)


def _print_end(console: Console, composed: Composed, explored: Exploration) -> None:
    overrides = list(composed.overrides)
    if explored.has_missing and composed.config.dataset.missing == "error":
        overrides.append("dataset.missing=drop")
    console.print(f"\npage: {explored.page}", soft_wrap=True)
    console.print("next:")
    command = shlex.join(["finesweep", "train", *overrides])
    console.print(f"  {command}\n  finesweep ui", soft_wrap=True)
