"""`finesweep delete NAME`: remove a sweep's study and checkpoints, and with --runs its runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from finesweep.cli import study_parser
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose
from finesweep.errors import ConfigError, Problem


def run(arguments: Sequence[str]) -> int:
    cli = study_parser("delete", "[--runs] [--yes]", overrides="storage.… or tracking.…")
    cli.add_argument("--runs", action="store_true", help="remove the sweep's MLflow runs too")
    cli.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    args = cli.parse_intermixed_args(list(arguments))
    config = compose(args.overrides).config
    silence_libraries()

    from finesweep.sweep.stop_and_delete import delete_study
    from finesweep.sweep.study.study import find_study

    study = find_study(args.name, config.storage.url)
    targets = f"study {args.name!r}, its checkpoints" + (" and its runs" if args.runs else "")
    if not args.yes and not _is_confirmed(targets):
        print("nothing removed")
        return 1
    n_runs = delete_study(study, config, runs=args.runs, warn=print)
    print(f"removed {targets}" + (f" ({n_runs})" if args.runs else ""))
    return 0


def _is_confirmed(targets: str) -> bool:
    if not sys.stdin.isatty():
        raise ConfigError(Problem("--yes", f"required to remove {targets} without a terminal"))
    try:
        answer = input(f"remove {targets}? [y/N] ")
    except EOFError:  # Ctrl-D
        print()
        return False
    return answer.strip().lower() in ("y", "yes")
