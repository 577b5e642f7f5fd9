"""`finesweep status NAME [--json]`: what a sweep has come to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from finesweep.cli import parser
from finesweep.config import compose


def run(arguments: Sequence[str]) -> int:
    cli = parser("status", "NAME [OVERRIDE…] [--json]")
    cli.add_argument("name", metavar="NAME", help="the study: the sweep's name, or sweep.study's")
    cli.add_argument(
        "overrides", nargs="*", default=[], metavar="OVERRIDE", help="such as storage.url=…"
    )
    cli.add_argument("--json", action="store_true", help="for programs")
    given = cli.parse_intermixed_args(list(arguments))
    url = compose(given.overrides).config.storage.url

    from rich.console import Console

    from finesweep.cli.outcome import print_outcome
    from finesweep.sweep.status import status_of
    from finesweep.sweep.study import find_study

    study = find_study(given.name, url)
    if given.json:
        print(json.dumps(asdict(status_of(study))))
    else:
        print_outcome(Console(), study)
    return 0
