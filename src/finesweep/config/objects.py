"""Objects from `_target_` nodes, such as Optuna's samplers and pruners."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import hydra.utils

from finesweep.errors import ConfigError, Problem, nearest

EXTRAS = {"cmaes": "samplers"}
"""Package of a sampler → finesweep's extra that has it."""
LOG = logging.getLogger("hydra.utils")


def build(node: Mapping[str, Any]) -> Any:
    """The object of a `_target_` node, for example an Optuna sampler.

    ConfigError when there is no such class, when it does not accept the arguments, or when a
    package that it needs is missing.
    """
    target = str(node.get("_target_", "_target_"))
    try:
        with _silent():
            return hydra.utils.instantiate(dict(node))
    except Exception as error:
        cause = " ".join(str(error.__cause__ or error).split())
        package = missing_package(error, but=target.split(".")[0])
        if package and "pip install" not in cause:
            message = f"it needs {package}: {install_command(package)}"
            raise ConfigError(Problem(target, message)) from error
        raise ConfigError(Problem(target, cause + _nearest_class(target))) from error


def parameters_of(node: Mapping[str, Any]) -> dict[str, Any]:
    """Parameter → default of a `_target_` node's class; empty when there is no such class."""
    try:
        with _silent():
            signature = inspect.signature(hydra.utils.get_object(str(node["_target_"])))
    except Exception:
        return {}  # build reports what is wrong
    return {name: parameter.default for name, parameter in signature.parameters.items()}


def install_command(package: str) -> str:
    """The command that installs a missing package, by finesweep's extra if one has it."""
    extra = EXTRAS.get(package)
    return f"pip install 'finesweep[{extra}]'" if extra else f"pip install {package}"


def missing_package(error: BaseException, *, but: str = "") -> str | None:
    """The top-level package whose absence caused an error; None without one, or if it is `but`."""
    for each in _chain(error):
        if isinstance(each, ModuleNotFoundError) and each.name and each.name.split(".")[0] != but:
            return each.name.split(".")[0]
    return None


@contextmanager
def _silent() -> Iterator[None]:
    """Silences Hydra's log of errors that it also raises."""
    before, LOG.disabled = LOG.disabled, True
    try:
        yield
    finally:
        LOG.disabled = before


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _nearest_class(target: str) -> str:
    """A hint with the module's nearest class; empty when the class exists, or no such module."""
    module_name, _, name = target.rpartition(".")
    try:
        module = import_module(module_name)
    except (ImportError, ValueError):
        return ""
    if hasattr(module, name):
        return ""
    classes = [each for each in dir(module) if isinstance(getattr(module, each), type)]
    return f"; {nearest(name, classes)}"
