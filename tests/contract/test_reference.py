"""Every field has its meaning, and the schema for editors accepts what finesweep itself accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from omegaconf import OmegaConf

from finesweep.config.reference.fields import described, section_text
from finesweep.config.reference.help import sweep_help, training_help
from finesweep.config.reference.json_schema import schema_of, sections
from finesweep.config.schema import Config

ROOT = Path(__file__).parents[2]
SWEEP = schema_of("sweep")


def complaints(schema: dict[str, Any], content: Any) -> list[str]:
    return [error.message for error in Draft7Validator(schema).iter_errors(content)]


def read(path: Path) -> Any:
    return OmegaConf.to_container(OmegaConf.load(path))  # as finesweep reads YAML: 2e-5 is a number


@pytest.mark.parametrize("path", [each.path for each in described()])
def test_every_field_says_what_it_means(path: str) -> None:
    (field,) = [each for each in described() if each.path == path]
    assert len(field.text) > 10
    assert field.text.endswith((".", ")")), "a sentence"


def test_every_section_says_what_it_is() -> None:
    assert all(section_text(kind) for kind in [Config, *sections().values()])


@pytest.mark.parametrize("name", sections())
def test_each_schema_is_one(name: str) -> None:
    Draft7Validator.check_schema(schema_of(name))


@pytest.mark.parametrize("path", sorted((ROOT / "sweeps").glob("*.yaml")), ids=lambda p: p.stem)
def test_a_packaged_sweep_fits_the_schema(path: Path) -> None:
    assert complaints(SWEEP, read(path)) == []


@pytest.mark.parametrize(
    "path",
    [p for p in sorted((ROOT / "conf").glob("*/*.yaml")) if p.parent.name in sections()],
    ids=lambda path: f"{path.parent.name}={path.stem}",
)
def test_a_packaged_choice_fits_the_schema_of_its_group(path: Path) -> None:
    assert complaints(schema_of(path.parent.name), read(path)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"n_trials": 0},
        {"n_trials": 2, "metrik": "x"},
        {"n_trials": 2, "direction": "up"},
        {"n_trials": 2, "params": {"training.lr": 1}},
        {"n_trials": 2, "params": {"training.learning_rate": 0}},
        {"n_trials": 2, "params": {"training.epochs": "intervall(1, 2)"}},
        {"n_trials": 2, "params": {"storage.url": "sqlite:///x.db"}},
        {"n_trials": 2, "when": {"bert": {"training.epochs": 2}}},
        {"n_trials": 2, "when": {"model=bert": {"training.epoch": 2}}},
        {"n_trials": 2, "enqueue": [{"training.epochs": "range(1, 3)"}]},
        {"n_trials": 2, "confirm": {"top_k": 0}},
    ],
    ids=str,
)
def test_an_editor_marks_what_finesweep_would_refuse(wrong: dict[str, Any]) -> None:
    assert complaints(SWEEP, wrong) != []


@pytest.mark.parametrize(
    "right",
    [
        {"n_trials": None, "timeout_minutes": 5, "confirm": None, "register": None},
        {"n_trials": 2, "params": {"training.epochs": "range(1, 3)", "dataset": "mine"}},
        {"n_trials": 2, "params": {"dataset.label_map.1": "bad", "dataset.path": "${oc.env:F}"}},
        {
            "n_trials": "${oc.env:N}",
            "when": {"model=bert": {"model.freeze_layers": "choice(0, all)"}},
        },
    ],
    ids=str,
)
def test_an_editor_accepts_what_finesweep_accepts(right: dict[str, Any]) -> None:
    assert complaints(SWEEP, right) == []


def test_help_names_each_fields_value_type_and_range() -> None:
    entries = training_help({"training.learning_rate": 3e-5, "tracking.uri": "a://b:c@d"})
    assert "  training.learning_rate=3e-05   number above 0\n      Peak learning rate" in entries
    assert "  training.precision=null   one of auto, fp32, bf16, fp16\n" in entries
    assert "  dataset.validation_size=null   number above 0 or null\n" in entries
    assert "  model.freeze_layers=null   0, a number of layers, or `all`\n" in entries
    assert "  tracking.uri=a://b:***@d   text\n" in entries
    keys = sweep_help()
    assert "  n_trials: ???   whole number at least 1 or null\n" in keys
    assert '  metric: "validation/loss"   text\n' in keys
    assert "  confirm.top_k: 3   whole number at least 1\n" in keys
