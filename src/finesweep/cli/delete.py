"""`finesweep delete NAME`: a sweep's study and checkpoints are removed, its runs if asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from finesweep.cli import study_parser
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose
from finesweep.errors import ConfigError, Problem


def run(arguments: Sequence[str]) -> int:
    cli = study_parser("delete", "[--runs] [--yes]", overrides="storage.… or tracking.…")
    cli.add_argument("--runs", action="store_true", help="the sweep's MLflow runs too")
    cli.add_argument("--yes", action="store_true", help="do not ask")
    given = cli.parse_intermixed_args(list(arguments))
    config = compose(given.overrides).config
    silence_libraries()

    from finesweep.sweep.stop_and_delete import delete_study
    from finesweep.sweep.study.study import find_study

    study = find_study(given.name, config.storage.url)
    what = f"study {given.name!r}, its checkpoints" + (" and its runs" if given.runs else "")
    if not given.yes and not _agreed(what):
        print("nothing was removed")
        return 1
    n_runs = delete_study(study, config, runs=given.runs)
    print(f"removed {what}" + (f" ({n_runs})" if given.runs else ""))
    return 0


def _agreed(what: str) -> bool:
    if not sys.stdin.isatty():
        raise ConfigError(Problem("--yes", f"must be given to remove {what} without being asked"))
    return input(f"remove {what}? [y/N] ").strip().lower() in ("y", "yes")
