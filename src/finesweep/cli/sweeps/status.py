"""`finesweep status NAME [--json | --watch]`: a sweep's trials, workers and results so far."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from finesweep.cli import study_parser
from finesweep.cli.startup import collector
from finesweep.config import compose
from finesweep.errors import ConfigError, Problem

if TYPE_CHECKING:
    from rich.console import Console

    from finesweep.sweep.study.study import Study

WATCH_SECONDS = 2.0


def run(arguments: Sequence[str]) -> int:
    cli = study_parser("status", "[--json | --watch]", overrides="for example storage.url=…")
    cli.add_argument("--json", action="store_true", help="print JSON")
    cli.add_argument(
        "--watch", action="store_true", help="refresh every two seconds until the sweep is finished"
    )
    args = cli.parse_intermixed_args(list(arguments))
    if args.json and args.watch:
        raise ConfigError(Problem("--watch", "cannot be combined with --json"))
    url = compose(args.overrides).config.storage.url

    from finesweep.api.console import screen
    from finesweep.cli.screens.sweep_report import print_outcome
    from finesweep.sweep.status import status_of
    from finesweep.sweep.study.study import find_study

    study = find_study(args.name, url)
    if args.json:
        print(json.dumps(asdict(status_of(study))))
    elif args.watch:
        collector.resume()
        _watch(screen(), study)
    else:
        print_outcome(screen(), study)
    return 0


def _watch(console: Console, study: Study) -> None:
    """Refreshes the screen until every slot is finished; Ctrl-C does not stop the sweep."""
    from finesweep.cli.screens.sweep_report import print_outcome
    from finesweep.sweep.study.slots import is_budget_spent

    while True:
        console.clear()
        print_outcome(console, study)
        if is_budget_spent(study):
            return
        time.sleep(WATCH_SECONDS)
