"""The command line: thin, and quick to answer because each command imports its own needs."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from finesweep.errors import INTERRUPTED, ConfigError, FinesweepError, Problem, nearest

COMMANDS = {
    "explore": "a dataset in tables, pictures and checks, before one trains on it",
    "train": "one fine-tuning run, tracked; -m runs Hydra's grid",
    "adapt": "trains a model on the dataset's own text; the result is a model to fine-tune",
    "sweep": "runs sweeps/NAME.yaml up to its total budget, or continues it",
    "work": "one more worker for a sweep, from any machine",
    "status": "workers, slots by state, failures and the best trial of a sweep",
    "stop": "all workers of a sweep finish their slot and leave",
    "delete": "removes a sweep's study and checkpoints, and its runs if asked",
    "promote": "the gate: a challenger becomes champion, or is refused with reasons",
    "rollback": "the previous champion of a registered model is champion again",
    "models": "registered models: versions, aliases and what was decided about them",
    "predict": "labels and probabilities for texts, a file or standard input",
    "serve": "a page for people and an endpoint for programs over one model",
    "ui": "the MLflow UI on this project's store",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs one command and exits: 0 done, 1 failed, 2 bad usage or config, 3 refused by a gate,
    130 interrupted."""
    if argv is None:  # the process is this command's own
        from finesweep.cli.startup import collector

        collector.pause()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        sys.exit(_run(arguments))
    except FinesweepError as error:
        print(f"finesweep: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        hint = "; the same command goes on" if arguments[:1] in (["sweep"], ["work"]) else ""
        print(f"\nfinesweep: interrupted{hint}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, less) has gone; Python would complain again while flushing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _run(arguments: list[str]) -> int:
    if arguments[:1] in (["-sc"], ["--shell-completion"]):
        from finesweep.cli.arguments.completion import complete

        return complete(arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(f"finesweep {version('finesweep')}")
        return 0
    command = arguments[0]
    if command not in COMMANDS:
        hint = nearest(command, COMMANDS)
        print(f"finesweep: no command {command!r}; {hint}", file=sys.stderr)
        return 2
    # SIGTERM asks for the same orderly end as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    module = import_module(f"finesweep.cli.{command}")
    return int(module.run(arguments[1:]))


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {purpose}" for name, purpose in COMMANDS.items()]
    listing = "\n".join(lines)
    return f"""\
usage: finesweep COMMAND …

Finds the best fine-tuned text classifier for a dataset and puts it in the model registry.

{listing}

Start with:     finesweep sweep demo
Settings are Hydra overrides, as in  finesweep train model=minilm training.epochs=2
Each command:   finesweep COMMAND --help
Tab completion: eval "$(finesweep -sc install=bash)\""""


def parser(command: str, usage: str) -> argparse.ArgumentParser:
    """An argument parser of one command."""
    return argparse.ArgumentParser(
        prog=f"finesweep {command}",
        usage=f"finesweep {command} {usage}",
        description=COMMANDS[command],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def check_threshold(given: float | None) -> None:
    """ConfigError when --threshold is no probability."""
    if given is not None and not 0 <= given <= 1:
        raise ConfigError(Problem("--threshold", f"{given} given; must be 0 to 1"))


def study_parser(command: str, options: str, *, overrides: str) -> argparse.ArgumentParser:
    """The parser of a command about a study that exists; overrides says which make sense."""
    cli = parser(command, f"NAME [OVERRIDE…] {options}".rstrip())
    cli.add_argument("name", metavar="NAME", help="the study: the sweep's name, or sweep.study's")
    cli.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help=overrides)
    return cli
