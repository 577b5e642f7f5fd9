"""`finesweep train [OVERRIDE…]`: one run, or Hydra's grid with -m."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from finesweep.config import compose
from finesweep.config.compose import HYDRA_VERSION_BASE, register_schema
from finesweep.config.grammar import parse_override
from finesweep.errors import ConfigError, FinesweepError

NO_TEST = "evaluate_test=false"
"""Under -m the test split stays unseen: who compares runs on it has no test split any more."""


def run(arguments: Sequence[str]) -> int:
    given = get_args_parser().parse_args(list(arguments))
    prefix = [NO_TEST] if given.multirun else []
    _check([*prefix, *given.overrides], grid=given.multirun)
    register_schema()
    flags = [argument for argument in arguments if argument not in given.overrides]
    # Hydra reads sys.argv itself, for --help and --cfg too.
    sys.argv = ["finesweep train", *flags, *prefix, *given.overrides]
    hydra.main(config_path=None, config_name="config", version_base=HYDRA_VERSION_BASE)(_job)()
    return 0


def _check(overrides: list[str], *, grid: bool) -> None:
    """Composes every run before the first one starts; ConfigError is told by our own main."""
    parsed = [parse_override(override) for override in overrides]
    runs = BasicSweeper.split_arguments(parsed, None)[0] if grid else [overrides]
    for each in runs:
        compose(list(each))


def _job(node: DictConfig) -> None:
    """What Hydra calls for each composed run; it would print our errors as tracebacks."""
    try:
        _train(list(HydraConfig.get().overrides.task))
    except FinesweepError as error:
        print(f"finesweep: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _train(overrides: list[str]) -> None:
    from finesweep.cli.quiet import hush

    hush()
    from rich.console import Console

    from finesweep.cli.progress import bar
    from finesweep.cli.tables import print_metrics
    from finesweep.model import limit_problems
    from finesweep.records import Objective
    from finesweep.sweep import run_trial
    from finesweep.tracking import open_store
    from finesweep.training import majority_accuracy

    console = Console()
    composed = compose(overrides)
    config = composed.config
    problems = limit_problems(config.model, max_length=config.dataset.max_length)
    if problems:
        raise ConfigError(*problems)
    with bar(console, Objective()) as watch:
        trained = run_trial(
            composed,
            store=open_store(config.tracking),
            objective=Objective(),
            tags={"finesweep.kind": "train"},
            on_evaluation=watch.evaluated,
            on_step=watch.stepped,
        )
    best = trained.result.best
    splits = {"validation": best.metrics} | ({"test": trained.test_metrics} if trained.test_metrics else {})
    for note in trained.dataset.notes:
        console.print(f"data: {note}", highlight=False)
    console.print(f"best checkpoint after {best.step:,} examples (epoch {best.epoch:.2f})")
    print_metrics(console, splits)
    share = majority_accuracy(trained.dataset.train["label"], trained.dataset.validation["label"])
    console.print(f"validation accuracy of always answering the commonest class: {share:.4f}")
    if trained.model_uri:
        console.print(f'\nnext:\n  finesweep predict --model {trained.model_uri} "a text of your own"', highlight=False, soft_wrap=True)
        console.print("  finesweep ui", highlight=False)
