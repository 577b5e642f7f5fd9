"""`import finesweep` costs nothing until something is asked for."""

from __future__ import annotations

import subprocess
import sys
from inspect import Parameter, isfunction, signature
from pathlib import Path

import pytest

import finesweep

MAX_MODULES = 60
"""Of the standard library, more than a bare interpreter has: a few milliseconds. Counted, not
timed, since a slow machine takes ten times as long."""
LOADED = """
import sys
before = set(sys.modules)
import finesweep
finesweep.ConfigError
print(*set(sys.modules) - before)
"""


def test_importing_it_loads_little_of_the_standard_library_and_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = done.stdout.split()
    packages = {name.partition(".")[0] for name in loaded}
    assert packages - sys.stdlib_module_names == {"finesweep"}
    assert len(loaded) < MAX_MODULES


def test_composing_needs_neither_torch_nor_mlflow() -> None:
    code = (
        "import finesweep, sys; print(finesweep.compose(['training.epochs=2']).training.epochs,"
        " *[name for name in ('torch', 'mlflow', 'optuna') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "2\n"


@pytest.mark.parametrize("name", finesweep.__all__)
def test_each_name_is_there_documented_and_no_module_hides_it(name: str) -> None:
    package = Path(finesweep.__file__).parent
    found = getattr(finesweep, name)
    assert found.__doc__
    assert name in dir(finesweep)
    assert not (package / name).exists()
    if isfunction(found) and (overrides := signature(found).parameters.get("overrides")):
        assert (overrides.kind, overrides.default) == (Parameter.POSITIONAL_OR_KEYWORD, ())
    assert not (package / f"{name}.py").exists()


def test_all_names_what_can_be_had() -> None:
    had = {name for names in finesweep.MODULES.values() for name in names}
    assert sorted(had) == sorted(finesweep.__all__)


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'finesweep' has no attribute 'sweeps_all'"):
        finesweep.sweeps_all  # noqa: B018
    assert not hasattr(finesweep, "sweep_all")


def test_types_are_for_others_too() -> None:
    assert (Path(finesweep.__file__).parent / "py.typed").exists()
    assert finesweep.__version__.count(".") == 2
