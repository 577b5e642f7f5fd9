"""Commands that take Hydra overrides and nothing else: composed, or printed by --cfg."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.cli import parser
from finesweep.config import Composed, compose


def composed_from(command: str, arguments: Sequence[str], *, examples: str) -> Composed | None:
    """The config that a command's arguments make; None when it was only to be printed, and is."""
    cli = parser(command, "[OVERRIDE…] [--cfg job]")
    cli.epilog = examples
    cli.add_argument(
        "overrides", nargs="*", default=[], metavar="OVERRIDE", help="in Hydra's grammar"
    )
    cli.add_argument("--cfg", choices=["job"], help="print the composed config and stop")
    given = cli.parse_intermixed_args(list(arguments))
    composed = compose(given.overrides)
    if given.cfg:
        print(composed.yaml(), end="")
        return None
    return composed
