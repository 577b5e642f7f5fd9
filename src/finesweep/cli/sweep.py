"""`finesweep sweep NAME [OVERRIDE…]`: search, then evaluate and register the winner."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from finesweep.cli import parser
from finesweep.config import SweepPlan, compose_sweep

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
    cli.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="in Hydra's grammar")
    cli.add_argument("--cfg", choices=["job"], help="print the composed config and stop")
    given = cli.parse_intermixed_args(list(arguments))
    plan = compose_sweep(given.name, given.overrides)
    if given.cfg:
        print(plan.base.yaml(), end="")
        return 0
    return _search(plan)


def _search(plan: SweepPlan) -> int:
    from finesweep.cli.quiet import hush

    hush()
    from finesweep.cli.outcome import print_outcome
    from finesweep.cli.progress import watching
    from finesweep.records import Objective
    from finesweep.registry import register
    from finesweep.sweep import REGISTERED, evaluate_winner, run_sweep, status_of

    console = Console()
    objective = Objective(plan.settings.metric, plan.settings.direction)  # type: ignore[arg-type]
    n_slots = plan.settings.n_trials
    console.print(f"sweep {plan.name}: {n_slots} trials in study {plan.study_name}")
    with watching(console, objective, n_slots=n_slots) as observer:
        study, store = run_sweep(plan, observer)
    status = status_of(study)
    if status.is_spent:
        finalist = evaluate_winner(plan, study, store)
        registered = study.user_attrs.get(REGISTERED, {})
        wanted = plan.settings.register
        if finalist and wanted and registered.get("model_uri") != finalist.model_uri:
            made = register(
                store.client, finalist, name=wanted.name, alias=wanted.alias, sweep=plan.name
            )
            study.set_user_attr(REGISTERED, made.as_attribute())
    print_outcome(console, study)
    return 0 if status_of(study).best else 1
