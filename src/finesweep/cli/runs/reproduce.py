"""`finesweep reproduce RUN | models:/NAME@ALIAS`: train a run again and compare the results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from finesweep.api.review.reproduction import compose_stores, run_reproduction
from finesweep.cli import parser
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries

EXAMPLES = """
examples:
  finesweep reproduce models:/tweets-sentiment@champion
  finesweep reproduce 3f2a9bd1 storage.cache=/tmp/cache

exit codes: 0 equal, or equal within the noise; 1 it differs
"""
DIFFERS = 1


def run(arguments: Sequence[str]) -> int:
    cli = parser("reproduce", "RUN [OVERRIDE…] [--json]")
    cli.epilog = EXAMPLES
    cli.add_argument(
        "run", metavar="RUN", help="a run's id, its beginning, its name, or models:/NAME@ALIAS"
    )
    overrides = "tracking.…, storage.… or launcher.…"
    cli.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help=overrides)
    cli.add_argument("--json", action="store_true", help="print JSON")
    args = cli.parse_intermixed_args(list(arguments))
    now = compose_stores(args.overrides)
    silence_libraries()

    from finesweep.api.console import screen
    from finesweep.cli.screens.reproduction import print_changed, print_reproduction

    console = screen(quiet=args.json)
    reproduction = run_reproduction(
        args.run,
        now,
        console,
        on_ready=collector.resume,
        on_inputs=lambda inputs: print_changed(console, inputs),
    )
    if args.json:
        print(json.dumps(asdict(reproduction), ensure_ascii=False))
    else:
        print_reproduction(console, reproduction)
    return DIFFERS if reproduction.verdict == "differs" else 0
