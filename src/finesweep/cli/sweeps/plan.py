"""`finesweep plan NAME [OVERRIDE…] [--json]`: what a sweep will take, before it is run."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict

from finesweep.cli import parser
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose_sweep

EXAMPLES = """
examples:
  finesweep plan demo
  finesweep plan demo workers=2 sweep.n_trials=50
  finesweep plan demo plan.price_per_hour=2.5 --json
"""


def run(arguments: Sequence[str]) -> int:
    cli = parser("plan", "NAME [OVERRIDE…] [--json]")
    cli.epilog = EXAMPLES
    cli.add_argument("name", metavar="NAME", help="a file in ./sweeps, or a packaged sweep")
    cli.add_argument(
        "overrides",
        nargs="*",
        default=[],
        metavar="OVERRIDE",
        help="Hydra overrides and search spaces, as for `finesweep sweep`",
    )
    cli.add_argument("--json", action="store_true", help="print JSON")
    args = cli.parse_intermixed_args(list(arguments))
    sweep = compose_sweep(args.name, args.overrides)
    silence_libraries()

    from finesweep.api.console import screen
    from finesweep.cli.screens.plan_report import print_plan
    from finesweep.report.plan.planning import plan_sweep

    collector.resume()
    found = plan_sweep(sweep, lambda line: print(line, file=sys.stderr, flush=True))
    if args.json:
        print(json.dumps(asdict(found)))
    else:
        command = shlex.join(["finesweep", "sweep", args.name, *args.overrides])
        print_plan(screen(), found, command=command)
    return 0
