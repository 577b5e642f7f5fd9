"""`finesweep rollback MODEL`: make the previous champion champion again."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.cli import parser
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose, require_model_name


def run(arguments: Sequence[str]) -> int:
    cli = parser("rollback", "MODEL [OVERRIDE…]")
    cli.add_argument("model", metavar="MODEL", help="name of a registered model")
    locations = "tracking.… or storage.…"
    cli.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help=locations)
    args = cli.parse_intermixed_args(list(arguments))
    require_model_name(args.model, field="MODEL")
    config = compose(args.overrides).config
    silence_libraries()

    from finesweep.registry.promote import rollback

    restored, replaced = rollback(config, args.model)
    instead = f", in place of version {replaced}" if replaced else ""
    print(f"{args.model} version {restored} is champion again{instead}")
    return 0
