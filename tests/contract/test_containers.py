"""Dockerfile and compose.yaml name what exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from finesweep.config import compose, compose_sweep

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    copied = [
        name for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.M) for name in line.split()
    ]
    assert len(copied) == 8
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {f"!{name}" for name in copied} <= set(kept)


def test_the_wheel_finds_in_the_image_what_it_includes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert [name for name in included if name not in dockerfile] == []
    (extras,) = re.findall(r"'\.\[(.+)\]'", dockerfile)
    assert set(extras.split(",")) <= project["project"]["optional-dependencies"].keys()


def test_the_sweep_and_its_workers_compose_with_the_same_places() -> None:
    (_, name, *places), (_, joined, *same) = (
        SERVICES[each]["command"] for each in ("sweep", "worker")
    )
    assert (joined, same) == (name, places)
    assert compose_sweep(name, places).name == "demo"
    assert compose(places).config.storage.checkpoints == "/shared/checkpoints"


def test_the_server_answers_to_the_name_that_workers_call() -> None:
    called = SERVICES["worker"]["environment"]["MLFLOW_TRACKING_URI"].removeprefix("http://")
    assert any(called in text for text in SERVICES["mlflow"]["command"])
