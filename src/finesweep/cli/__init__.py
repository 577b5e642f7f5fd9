"""The `finesweep` command line. Each command imports only what it needs, so help is instant."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from finesweep.errors import INTERRUPTED, ConfigError, FinesweepError, Problem, nearest

ROOMS = {
    "setup": {
        "new": "write a dataset choice and a sweep for your file, from what is in it",
        "explore": "show a dataset in tables, charts and checks, before training on it",
        "doctor": "examine this machine and its stores: what works, what to type",
        "schema": "print a JSON schema of config files, for editors",
    },
    "runs": {
        "train": "fine-tune one model and track the run; -m runs Hydra's grid",
        "adapt": "continue a model's pretraining on the dataset's text, for a model to fine-tune",
        "compare": "compare runs, or sweeps, side by side: settings, scores, paired tests",
        "reproduce": "train a run again as it was recorded, and say whether the result is equal",
        "ui": "start the MLflow UI and print, or open, the link to a sweep's leaderboard",
    },
    "sweeps": {
        "plan": "tell what a sweep will take before it is run: hours, memory, disk and cost",
        "sweep": "run sweeps/NAME.yaml up to its total budget, or resume it",
        "work": "join a sweep as one more worker, from any machine",
        "status": "show a sweep's workers, slots by state, failures and best trial",
        "report": "write a sweep's report: one HTML file that opens without a network",
        "watch": "serve a sweep's report on this machine, refreshed as trials end",
        "stop": "ask every worker of a sweep to finish its slot and exit",
        "delete": "remove a sweep's study and checkpoints; --runs removes its runs too",
    },
    "models": {
        "promote": "make a challenger champion if it passes the gate, or say why not",
        "rollback": "make the previous champion of a registered model champion again",
        "models": "list registered models with their versions, aliases and decisions",
        "export": "write a model as ONNX, int8 or a plain folder, checked against it",
        "predict": "print labels and probabilities for texts, a file or stdin",
        "serve": "serve a model as a web page and a JSON API",
    },
}
"""Folder of commands → command → its purpose."""
COMMANDS = {name: purpose for room in ROOMS.values() for name, purpose in room.items()}
LAST_PORT = 65_535


def main(argv: Sequence[str] | None = None) -> None:
    """Runs one command and exits: 0 done, 1 failed, 2 bad usage or config, 3 refused by a gate,
    75 a worker that a new one must replace, 130 interrupted."""
    if argv is None:  # called as a program, not by a test
        from finesweep.cli.startup import collector

        collector.pause()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        sys.exit(_run(arguments))
    except FinesweepError as error:
        print(f"finesweep: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        hint = "; run the same command to resume" if arguments[:1] in (["sweep"], ["work"]) else ""
        print(f"\nfinesweep: interrupted{hint}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, less) has exited; Python would raise again while flushing.
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
        print(f"finesweep: unknown command {command!r}; {hint}", file=sys.stderr)
        return 2
    # SIGTERM shuts down as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return int(import_command(command).run(arguments[1:]))


def import_command(name: str) -> ModuleType:
    """The module of a command: its function `run` takes the arguments and returns an exit code."""
    room = next(room for room, commands in ROOMS.items() if name in commands)
    return import_module(f"finesweep.cli.{room}.{name}")


def _usage() -> str:
    width = max(map(len, COMMANDS))
    listing = "\n\n".join(
        "\n".join([f"{room}:", *(f"  {name:<{width}}  {text}" for name, text in commands.items())])
        for room, commands in ROOMS.items()
    )
    return f"""\
usage: finesweep COMMAND …

Finds the best fine-tuned text classifier for a dataset and puts it in the model registry.

{listing}

Start with:     finesweep sweep demo
Settings are Hydra overrides, as in  finesweep train model=minilm training.epochs=2
Each command:   finesweep COMMAND --help
Tab completion: eval "$(finesweep -sc install=bash)\""""


def parser(command: str, usage: str) -> argparse.ArgumentParser:
    """The argument parser of one command."""
    return argparse.ArgumentParser(
        prog=f"finesweep {command}",
        usage=f"finesweep {command} {usage}",
        description=COMMANDS[command],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def check_threshold(threshold: float | None) -> None:
    """ConfigError if --threshold is not a probability."""
    if threshold is not None and not 0 <= threshold <= 1:
        raise ConfigError(Problem("--threshold", f"{threshold} given; must be 0 to 1"))


def check_port(port: int, *, lowest: int) -> None:
    """ConfigError if --port is not lowest to 65,535."""
    if not lowest <= port <= LAST_PORT:
        raise ConfigError(Problem("--port", f"{port} given; must be {lowest} to {LAST_PORT}"))


def study_parser(command: str, options: str, *, overrides: str) -> argparse.ArgumentParser:
    """The parser of a command on an existing study; overrides is the help text of its overrides."""
    cli = parser(command, f"NAME [OVERRIDE…] {options}".rstrip())
    cli.add_argument("name", metavar="NAME", help="the study: the sweep's name, or its sweep.study")
    cli.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help=overrides)
    return cli
