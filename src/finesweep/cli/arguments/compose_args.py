"""The config of a command that takes only Hydra overrides; --cfg prints it."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.cli import parser
from finesweep.config import Composed, compose


def composed_from(command: str, arguments: Sequence[str], *, examples: str) -> Composed | None:
    """The config composed from a command's overrides; None if --cfg printed it instead."""
    cli = parser(command, "[OVERRIDE…] [--cfg job]")
    cli.epilog = examples
    cli.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help="Hydra overrides")
    cli.add_argument("--cfg", choices=["job"], help="print the composed config and stop")
    args = cli.parse_intermixed_args(list(arguments))
    composed = compose(args.overrides)
    if args.cfg:
        print(composed.yaml(), end="")
        return None
    return composed
