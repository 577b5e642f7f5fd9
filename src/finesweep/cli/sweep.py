"""`finesweep sweep NAME [OVERRIDE…]`: search, then evaluate and register the winner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from finesweep.cli import parser
from finesweep.cli.quiet import hush
from finesweep.config import SweepPlan, compose_sweep

if TYPE_CHECKING:
    from rich.console import Console

    from finesweep.sweep.study import Study

EXAMPLES = """
examples:
  finesweep sweep demo
  finesweep sweep demo sweep.n_trials=20                       ten more trials
  finesweep sweep demo 'training.learning_rate=interval(1e-5, 3e-5)' sweep.study=demo-low
"""


def run(arguments: Sequence[str]) -> int:
    cli = parser("sweep", "NAME [OVERRIDE…] [--cfg job]")
    cli.epilog = EXAMPLES
    cli.add_argument("name", metavar="NAME", help="a sweep of ./sweeps or of the package")
    cli.add_argument(
        "overrides", nargs="*", default=[], metavar="OVERRIDE", help="in Hydra's grammar"
    )
    cli.add_argument("--cfg", choices=["job"], help="print the composed config and stop")
    given = cli.parse_intermixed_args(list(arguments))
    plan = compose_sweep(given.name, given.overrides)
    if given.cfg:
        print(plan.base.yaml(), end="")
        return 0
    hush()
    return _sweep(plan)


def _sweep(plan: SweepPlan) -> int:
    from rich.console import Console

    from finesweep.cli.outcome import print_outcome
    from finesweep.sweep.status import is_settled, status_of
    from finesweep.sweep.study import open_study, sole_worker, study_exists

    console = Console()
    console.print(f"sweep {plan.name}: {plan.settings.n_trials} trials in study {plan.study_name}")
    if not study_exists(plan):
        from finesweep.sweep.engine import prepare

        prepare(plan)
    with sole_worker(plan):
        study = open_study(plan)
        # A spent sweep is told from its study alone, without the seconds that torch takes to load.
        if not is_settled(study, plan.settings.register):
            _search(plan, study, console)
    print_outcome(console, study)
    return 0 if status_of(study).best else 1


def _search(plan: SweepPlan, study: Study, console: Console) -> None:
    from finesweep.cli.progress import watching
    from finesweep.registry import crown
    from finesweep.sweep.engine import run_sweep
    from finesweep.sweep.space import objective_of

    with watching(console, objective_of(plan), n_slots=plan.settings.n_trials) as observer:
        store = run_sweep(plan, study, observer)
    crown(plan, study, store)
