"""`finesweep train [OVERRIDE…]`: one fine-tuning run, or Hydra's grid with -m."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from finesweep.cli.arguments.hydra_flags import hydra_flags
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import Composed, compose
from finesweep.config.compose import HYDRA_VERSION_BASE, register_schema
from finesweep.config.grid import grid
from finesweep.config.overrides.grammar import in_hydra_grammar, parse_override
from finesweep.errors import ConfigError, FinesweepError, Problem

NO_TEST = "evaluate_test=false"
"""Default under -m: comparing runs on the test split would use it up."""
QUIET = "--quiet"
FLAGS = (
    f"{QUIET} prints the result only, --cfg job prints the composed config, --hydra-help lists"
    " Hydra's own flags."
)


def run(arguments: Sequence[str]) -> int:
    cli = hydra_flags()
    cli.add_argument(QUIET, action="store_true")
    args = cli.parse_args(list(arguments))
    is_printed = args.cfg or args.info
    if args.resolve and not (args.cfg or args.help):
        raise ConfigError(Problem("--resolve", "requires --cfg or --help"))
    if args.multirun and is_printed:
        raise ConfigError(Problem("--multirun", "cannot be combined with --cfg or --info"))
    if args.experimental_rerun:
        problem = f"{args.experimental_rerun} given; not supported: runs have no .hydra folder"
        raise ConfigError(Problem("--experimental-rerun", problem))
    prefix = [NO_TEST] if args.multirun else []
    runs = _compose_all([*prefix, *args.overrides], multirun=args.multirun)
    register_schema()
    ours = {*args.overrides, QUIET}
    flags = [argument for argument in arguments if argument not in ours]
    # Hydra reads sys.argv itself, for --help and --cfg too; it does not know --quiet.
    overrides = [in_hydra_grammar(override) for override in args.overrides]
    sys.argv = ["finesweep train", *flags, *prefix, *overrides]
    job = _job(None if args.multirun else runs[0], quiet=args.quiet)
    main = hydra.main(config_path=None, config_name="config", version_base=HYDRA_VERSION_BASE)(job)
    if not args.help:
        main()
        return 0
    from finesweep.config.reference.help import training_help

    with suppress(SystemExit):  # Hydra exits after its help
        main()
    print(f"{training_help(runs[0].flat())}\n\n{FLAGS}")
    return 0


def _compose_all(overrides: list[str], *, multirun: bool) -> list[Composed]:
    """The configs of all runs, composed before the first one starts."""
    for override in overrides:
        parse_override(override)  # its messages say more than those of composition
    return [compose(each) for each in (grid(overrides) if multirun else [overrides])]


def _job(composed: Composed | None, *, quiet: bool) -> Callable[[DictConfig], None]:
    """The function that Hydra calls for each run. It catches our errors, which Hydra would print as
    tracebacks; composed is the config of a single run, None under -m."""

    def job(node: DictConfig) -> None:
        try:
            _train(composed or compose(list(HydraConfig.get().overrides.task)), quiet=quiet)
        except FinesweepError as error:
            print(f"finesweep: {error}", file=sys.stderr)
            sys.exit(error.exit_code)

    return job


def _train(composed: Composed, *, quiet: bool) -> None:
    silence_libraries()

    from finesweep.api.console import screen
    from finesweep.api.runs import run_training

    console = screen()
    progress = screen(quiet=True) if quiet else console
    _, trained = run_training(composed, progress, on_ready=collector.resume)

    from finesweep.cli.screens.run_report import print_trained

    print_trained(console, trained)
