"""`finesweep new NAME --data FILE`: a dataset choice and a sweep for a file, from what is in it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from finesweep.cli import parser
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from finesweep.setup.new.files import New

EXAMPLES = """
examples:
  finesweep new reviews --data reviews.csv
  finesweep new reviews --data reviews.csv dataset.label_column=stars --force
  finesweep new nli --data data/          a folder with train, validation and test

Then:  finesweep explore dataset=reviews  and  finesweep sweep reviews
"""


def run(arguments: Sequence[str]) -> int:
    cli = parser("new", "NAME --data FILE [OVERRIDE…] [--force]")
    cli.epilog = EXAMPLES
    cli.add_argument("name", metavar="NAME", help="of the dataset, the sweep and the model")
    cli.add_argument("--data", required=True, metavar="FILE", help="file, pattern or folder")
    cli.add_argument(
        "overrides",
        nargs="*",
        default=[],
        metavar="OVERRIDE",
        help="dataset.FIELD=VALUE, instead of a guess",
    )
    cli.add_argument("--force", action="store_true", help="overwrite both files")
    args = cli.parse_intermixed_args(list(arguments))
    silence_libraries()

    from finesweep.api.console import screen
    from finesweep.setup.new.files import new

    console = screen()
    with console.status("reading the data"):
        made = new(args.name, args.data, args.overrides, force=args.force)
    _print(console, made, data=args.data)
    return 0


def _print(console: Console, made: New, *, data: str) -> None:
    from rich.table import Table
    from rich.text import Text

    config, sizes = made.guess.config, made.sizes
    for note in made.guess.notes:
        console.print(Text(f"data: {note}"))
    table = Table.grid(padding=(0, 2, 0, 0))
    for field, reason in made.guess.reasons.items():
        value = getattr(config, field)
        shown = (
            ""
            if isinstance(value, dict)
            else ", ".join(value)
            if isinstance(value, list)
            else str(value)
        )
        table.add_row(Text(field), Text(shown), Text(reason))
    console.print("\nguessed", style="bold")
    console.print(table)
    models = " or ".join(encoder.choice for encoder in made.encoders)
    trials = "as many trials as fit" if sizes.n_trials is None else counted(sizes.n_trials, "trial")
    minutes = max(1, round(sizes.minutes))
    console.print("\nwritten", style="bold")
    console.print(f"{made.files.dataset}\n{made.files.sweep}", soft_wrap=True)
    console.print(Text(f"  {models}, {made.origin}"))
    console.print(f"  {trials}, about {minutes} min on {made.hardware}")
    name = made.files.sweep.stem
    again = shlex.join(["finesweep", "new", name, "--data", data])
    console.print("\nchange a guess in these files, or with")
    console.print(f"  {again} dataset.FIELD=VALUE --force", soft_wrap=True)
    console.print("next:")
    console.print(f"  finesweep explore dataset={name}\n  finesweep sweep {name}", soft_wrap=True)
