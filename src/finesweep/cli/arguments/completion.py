"""Tab completion: Hydra's own, after the command is cut from the line.

The shell calls `finesweep -sc query=bash` with the line in COMP_LINE. Hydra expects overrides
right after the program's name, so the command (and a sweep's NAME) is taken out first.
"""

from __future__ import annotations

import os
import re
import sys

from finesweep.cli import COMMANDS
from finesweep.errors import ConfigError, Problem

COMPOSED = ("explore", "train", "adapt", "sweep", "plan", "doctor")
"""Commands whose arguments are Hydra overrides."""
NAMED = ("sweep", "plan")
"""Those whose first argument is the name of a sweep file."""
REQUEST = re.compile("(install|uninstall|query)=(bash|zsh|fish)")


def complete(arguments: list[str]) -> int:
    """Prints the completions, or the shell code that installs them."""
    if not REQUEST.fullmatch(" ".join(arguments[1:])):  # Hydra would print a traceback
        request = " ".join(arguments[1:]) or "nothing"
        message = f"{request} given; must be install, uninstall or query, as in install=bash"
        raise ConfigError(Problem("-sc", message))
    if not arguments[1].startswith("query="):
        return _hydra(arguments)
    words = os.environ.get("COMP_LINE", "").split(" ")
    command, rest = [*words, "", ""][1], words[2:]
    if not rest:
        print(" ".join(name for name in COMMANDS if name.startswith(command)))
        return 0
    if command in NAMED and len(rest) == 1:
        from finesweep.config import group_choices

        print(" ".join(name for name in group_choices("sweeps") if name.startswith(rest[0])))
        return 0
    if command not in COMPOSED:
        return 0
    overrides = rest[1:] if command in NAMED else rest
    os.environ["COMP_LINE"] = " ".join([words[0], *overrides])
    return _hydra(arguments)


def _hydra(arguments: list[str]) -> int:
    import hydra

    from finesweep.config.compose import HYDRA_VERSION_BASE, register_schema

    register_schema()
    sys.argv = [sys.argv[0], *arguments]
    hydra.main(config_path=None, config_name="config", version_base=HYDRA_VERSION_BASE)(_never)()
    return 0


def _never(node: object) -> None:
    raise AssertionError("completion runs no job")
