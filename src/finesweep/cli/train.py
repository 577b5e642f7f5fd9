"""`finesweep train [OVERRIDE…]`: one run, or Hydra's grid with -m."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from finesweep.cli.arguments.hydra_flags import hydra_flags
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import Composed, compose
from finesweep.config.compose import HYDRA_VERSION_BASE, register_schema
from finesweep.config.grid import grid
from finesweep.config.overrides.grammar import hydras_text, parse_override
from finesweep.errors import ConfigError, FinesweepError, Problem

NO_TEST = "evaluate_test=false"
"""Under -m the test split stays unseen: who compares runs on it has no test split any more."""


def run(arguments: Sequence[str]) -> int:
    given = hydra_flags().parse_args(list(arguments))
    shown = given.cfg or given.info
    if given.resolve and not (given.cfg or given.help):
        raise ConfigError(Problem("--resolve", "only stands with --cfg or --help"))
    if given.multirun and shown:
        raise ConfigError(Problem("--multirun", "cannot stand with --cfg or --info"))
    if given.experimental_rerun:
        problem = f"{given.experimental_rerun} given; not supported, runs keep no .hydra folder"
        raise ConfigError(Problem("--experimental-rerun", problem))
    prefix = [NO_TEST] if given.multirun else []
    runs = _composed([*prefix, *given.overrides], multirun=given.multirun)
    register_schema()
    flags = [argument for argument in arguments if argument not in given.overrides]
    # Hydra reads sys.argv itself, for --help and --cfg too.
    overrides = [hydras_text(override) for override in given.overrides]
    sys.argv = ["finesweep train", *flags, *prefix, *overrides]
    job = _job(None if given.multirun else runs[0])
    hydra.main(config_path=None, config_name="config", version_base=HYDRA_VERSION_BASE)(job)()
    return 0


def _composed(overrides: list[str], *, multirun: bool) -> list[Composed]:
    """Every run, before the first one starts; ConfigError is told by our own main."""
    for override in overrides:
        parse_override(override)  # whose messages say more than those of a composition
    return [compose(each) for each in (grid(overrides) if multirun else [overrides])]


def _job(composed: Composed | None) -> Callable[[DictConfig], None]:
    """What Hydra calls for each run; it would print our errors as tracebacks. composed is the run
    where there is just one."""

    def job(node: DictConfig) -> None:
        try:
            _train(composed or compose(list(HydraConfig.get().overrides.task)))
        except FinesweepError as error:
            print(f"finesweep: {error}", file=sys.stderr)
            sys.exit(error.exit_code)

    return job


def _train(composed: Composed) -> None:
    silence_libraries()

    from finesweep.api.runs import trained_from
    from finesweep.cli.screens.console import screen

    console = screen()
    _, trained = trained_from(composed, console, on_ready=collector.resume)

    from finesweep.cli.screens.run_report import print_trained

    print_trained(console, trained)
