"""Sweep files written in an empty folder, and composed as the command line does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from finesweep.config import SweepPlan, compose_sweep

PlanOf = Callable[..., SweepPlan]


@pytest.fixture
def plan_of(workplace: Path) -> PlanOf:
    """The plan of a sweep named own, from the text of its file and from overrides."""

    def composed(text: str, *overrides: str) -> SweepPlan:
        file = workplace / "sweeps" / "own.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"# @package sweep\n{dedent(text)}", encoding="utf-8")
        return compose_sweep("own", overrides)

    return composed


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> SweepPlan:
    """The packaged demo sweep, composed in a folder without files of the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("demo"))
        return compose_sweep("demo", [])
