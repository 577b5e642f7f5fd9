"""Files inside installed packages, named `package://NAME/PATH`: the same name on every machine."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from finesweep.errors import ConfigError, Problem

SCHEME = "package://"


def packaged_path(name: str, *, field: str) -> Path:
    """The path of `package://NAME/PATH`, or of anything else as it stands but for `~`, the home
    folder; nothing is imported.

    ConfigError at field when the package is not installed.
    """
    if not name.startswith(SCHEME):
        return Path(without_tilde(name))
    package, _, inside = name.removeprefix(SCHEME).partition("/")
    spec = find_spec(package) if package.isidentifier() else None  # a dot would import the parent
    if spec is None or not spec.submodule_search_locations:
        hint = "pip install 'finesweep[demo]' installs the demo's model and data"
        raise ConfigError(Problem(field, f"package {package} is not installed; {hint}"))
    path = Path(next(iter(spec.submodule_search_locations))) / inside
    if not path.exists():
        raise ConfigError(Problem(field, f"package {package} has no {inside}"))
    return path


def without_tilde(name: str) -> str:
    """The same path with the home folder in place of a leading `~`, which shells leave after
    `field=`; URLs and homes of unknown users stay."""
    return os.path.expanduser(name)  # noqa: PTH111 — Path's raises there, and shortens URLs
