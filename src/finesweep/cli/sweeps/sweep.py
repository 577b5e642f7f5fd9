"""`finesweep sweep NAME [OVERRIDE…]`: run a sweep, then confirm and register its winner."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from finesweep.cli import parser
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import SweepPlan, compose_sweep
from finesweep.wording import counted

EXAMPLES = """
examples:
  finesweep sweep demo
  finesweep sweep demo workers=2                               two worker processes
  finesweep sweep demo sweep.n_trials=20                       ten more trials
  finesweep sweep demo sweep.n_trials=null sweep.timeout_minutes=30
                                                               as many as fit into half an hour
  finesweep sweep demo 'training.learning_rate=interval(1e-5, 3e-5)' sweep.study=demo-low
"""
KEYS = """
keys of sweeps/NAME.yaml, with their defaults; on the command line sweep.KEY=VALUE:
"""


def run(arguments: Sequence[str]) -> int:
    cli = parser("sweep", "NAME [OVERRIDE…] [--quiet] [--cfg job]")
    cli.epilog = EXAMPLES
    if not {"-h", "--help"}.isdisjoint(arguments):
        from finesweep.config.reference.help import sweep_help

        cli.epilog += f"{KEYS}{sweep_help()}"
    cli.add_argument("name", metavar="NAME", help="a file in ./sweeps, or a packaged sweep")
    cli.add_argument(
        "overrides",
        nargs="*",
        default=[],
        metavar="OVERRIDE",
        help="Hydra overrides and search spaces",
    )
    cli.add_argument("--cfg", choices=["job"], help="print the composed config and stop")
    cli.add_argument("--quiet", action="store_true", help="print the result and warnings only")
    args = cli.parse_intermixed_args(list(arguments))
    plan = compose_sweep(args.name, args.overrides)
    if args.cfg:
        print(plan.base.yaml(), end="")
        return 0
    silence_libraries()
    return _sweep(plan, quiet=args.quiet)


def _sweep(plan: SweepPlan, *, quiet: bool) -> int:
    from finesweep.api.console import say, screen
    from finesweep.api.sweeps import complete_sweep
    from finesweep.cli.screens.sweep_report import print_outcome
    from finesweep.sweep.status import status_of

    console = screen()
    progress = screen(quiet=True) if quiet else console
    progress.print(f"sweep {plan.name}: {_budget(plan)} in study {plan.study_name}")
    warn = partial(say, console)
    study, has_searched = complete_sweep(plan, progress, warn=warn, on_ready=collector.resume)
    tracking = plan.base.config.tracking
    print_outcome(console, study, tracking=tracking, with_data=quiet or not has_searched)
    return 0 if status_of(study).best else 1


def _budget(plan: SweepPlan) -> str:
    n_trials, minutes = plan.settings.n_trials, plan.settings.timeout_minutes
    if plan.is_exhaustive:
        return _grid_budget(plan)
    if n_trials is not None:
        return counted(n_trials, "trial")
    confirmed = ", their confirmation included," if plan.confirm else ""
    return f"as many trials as fit into {minutes:g} min{confirmed}"


def _grid_budget(plan: SweepPlan) -> str:
    """How much of its grid an exhaustive sampler will try; ConfigError when it has no end."""
    from finesweep.sweep.study.sampling.known_slots import grid_of

    grid, n_trials = grid_of(plan), plan.settings.n_trials
    assert grid is not None
    if n_trials is None and plan.settings.timeout_minutes is not None:
        return f"as many of the grid's {counted(grid.n_points, 'point')} as fit into the time"
    if n_trials is None or n_trials >= grid.n_slots:
        beside = f" and {counted(len(grid.beside), 'trial')} beside it" if grid.beside else ""
        return f"all {counted(grid.n_points, 'point')} of the grid{beside}"
    return f"{counted(n_trials, 'trial')} of a grid of {counted(grid.n_points, 'point')}"
