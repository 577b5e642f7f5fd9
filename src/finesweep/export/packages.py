"""The packages of the extra finesweep[onnx], and the message when one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from finesweep.errors import ConfigError, Problem

PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def require_packages(*, field: str) -> None:
    """ConfigError at field, with the command that installs what is missing; imports nothing."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        hint = "pip install 'finesweep[onnx]'"
        raise ConfigError(Problem(field, f"onnx needs {', '.join(missing)}: {hint}"))
