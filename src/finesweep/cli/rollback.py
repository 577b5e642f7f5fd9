"""`finesweep rollback MODEL`: the previous champion is champion again."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.cli import parser
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose, require_model_name


def run(arguments: Sequence[str]) -> int:
    cli = parser("rollback", "MODEL [OVERRIDE…]")
    cli.add_argument("model", metavar="MODEL", help="a registered model's name")
    places = "tracking.… or storage.…"
    cli.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help=places)
    given = cli.parse_intermixed_args(list(arguments))
    require_model_name(given.model, field="MODEL")
    config = compose(given.overrides).config
    silence_libraries()

    from finesweep.registry.promote import rollback

    now, before = rollback(config, given.model)
    print(f"{given.model} version {now} is champion again; version {before} was")
    return 0
