"""The flags of every Hydra app, as `hydra.main` takes them: Hydra's own parser is private.

`tests/contract/test_private_names.py` compares them with the installed Hydra's.
"""

from __future__ import annotations

import argparse

import hydra

INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


def hydra_flags() -> argparse.ArgumentParser:
    """A parser of overrides and Hydra's flags. --help is only recorded: Hydra prints it."""
    cli = argparse.ArgumentParser(prog="finesweep train", add_help=False)
    cli.add_argument("overrides", nargs="*", metavar="OVERRIDE")
    cli.add_argument("--version", action="version", version=f"Hydra {hydra.__version__}")
    cli.add_argument("--cfg", "-c", choices=["job", "hydra", "all"])
    cli.add_argument("--info", "-i", nargs="?", const="all", choices=INFO)
    for name, short in (
        ("--package", "-p"),
        ("--config-path", "-cp"),
        ("--config-name", "-cn"),
        ("--config-dir", "-cd"),
    ):
        cli.add_argument(name, short)
    cli.add_argument("--experimental-rerun")
    for name, short in (
        ("--help", "-h"),
        ("--run", "-r"),
        ("--multirun", "-m"),
        ("--shell-completion", "-sc"),
    ):
        cli.add_argument(name, short, action="store_true")
    for name in ("--hydra-help", "--resolve"):
        cli.add_argument(name, action="store_true")
    return cli
