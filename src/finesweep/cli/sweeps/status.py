"""`finesweep status NAME [--json | --watch]`: a sweep's trials, workers and results so far."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from finesweep.cli import study_parser
from finesweep.cli.startup import collector
from finesweep.config import TrackingConfig, compose
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
    config = compose(args.overrides).config
    url = config.storage.url

    from finesweep.api.console import screen
    from finesweep.cli.screens.sweep_report import print_outcome
    from finesweep.sweep.status import status_of
    from finesweep.sweep.study.study import find_study

    if args.json:
        print(json.dumps(asdict(status_of(find_study(args.name, url)))))
    elif args.watch:
        collector.resume()
        _watch(screen(), args.name, url, config.tracking)
    else:
        print_outcome(screen(), find_study(args.name, url), tracking=config.tracking)
    return 0


def _watch(console: Console, name: str, url: str, tracking: TrackingConfig) -> None:
    """Refreshes the screen until every slot is finished, and waits while the database is away;
    Ctrl-C does not stop the sweep. ConfigError when the study is deleted."""
    from finesweep.sweep.study.storage import retry_while_away
    from finesweep.sweep.study.study import find_study

    study, said = find_study(name, url), ""

    def tell(problem: str) -> None:
        nonlocal said
        if problem != said:
            console.print(f"waiting for the database: {problem}", markup=False)
        said = problem

    try:
        while not retry_while_away(lambda: _show(console, study, tracking), tell):
            time.sleep(WATCH_SECONDS)
    except KeyError:  # Optuna knows no study of its number any more
        find_study(name, url)
        raise


def _show(console: Console, study: Study, tracking: TrackingConfig) -> bool:
    """Shows the study; whether all its slots are finished."""
    from finesweep.cli.screens.sweep_report import print_outcome
    from finesweep.sweep.study.slots import is_budget_spent

    console.clear()
    print_outcome(console, study, tracking=tracking)
    return is_budget_spent(study)
