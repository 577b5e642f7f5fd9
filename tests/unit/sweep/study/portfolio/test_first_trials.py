"""Which trials a sweep takes from the portfolios of its models, in which order."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.sweep.conftest import PlanOf

from finesweep.sweep.study.portfolio.first_trials import first_trials

pytestmark = pytest.mark.slow

RATE, DEPTH = "training.learning_rate", "model.freeze_layers"
TEXT = """
n_trials: 4
params:
  dataset: tweets
  model: choice(minilm, distil_minilm)
  training.learning_rate: tag(log, interval(1e-5, 1e-3))
"""
SETTINGS = {
    "small": ("bert, n_layers: 6, hidden_size: 384", (1e-4, 2e-4, 3e-4)),
    "smaller": ("distilbert, n_layers: 3, hidden_size: 384", (4e-4, 5e-4)),
}


@pytest.fixture(autouse=True)
def _own_portfolios(workplace: Path) -> None:
    """Portfolios of the user's own for both models of the demo: rates, and half of the layers."""
    (workplace / "portfolios").mkdir()
    for name, (encoder, rates) in SETTINGS.items():
        lines = [f"  - {{{RATE}: {rate:.6f}, frozen_share: 0.5}}" for rate in rates]
        head = [f"encoder: {{model_type: {encoder}}}", "origin: test", "settings:"]
        text = "\n".join([*head, *lines])
        (workplace / "portfolios" / f"{name}.yaml").write_text(text, encoding="utf-8")


def rates(plan_of: PlanOf, text: str = TEXT, *overrides: str) -> list[tuple[object, object]]:
    trials = first_trials(plan_of(text, *overrides)).params
    return [(each.get("model"), each[RATE]) for each in trials]


def test_the_models_take_turns_and_each_starts_with_its_best(plan_of: PlanOf) -> None:
    assert rates(plan_of) == [("minilm", 1e-4), ("distil_minilm", 4e-4)]
    assert rates(plan_of, TEXT, "sweep.portfolio=9") == [
        ("minilm", 1e-4),
        ("distil_minilm", 4e-4),
        ("minilm", 2e-4),
        ("distil_minilm", 5e-4),
        ("minilm", 3e-4),
    ]
    assert rates(plan_of, TEXT, "sweep.portfolio=1") == [("minilm", 1e-4)]
    assert rates(plan_of, TEXT, "model=distil_minilm") == [(None, 4e-4), (None, 5e-4)]


def test_what_is_enqueued_already_makes_room_for_the_next(plan_of: PlanOf) -> None:
    same = f"enqueue:\n  - {{model: minilm, {RATE}: 1e-4}}\n"
    assert rates(plan_of, TEXT + same) == [("distil_minilm", 4e-4), ("minilm", 2e-4)]
    other = f"enqueue:\n  - {{model: minilm, {RATE}: 3e-5}}\n"
    assert rates(plan_of, TEXT + other) == [("minilm", 1e-4), ("distil_minilm", 4e-4)]


def test_settings_that_the_space_makes_equal_are_tried_once(plan_of: PlanOf) -> None:
    two = [f"{RATE}=choice(2e-4,5e-4)", "sweep.portfolio=9"]
    assert rates(plan_of, TEXT, *two) == [("minilm", 2e-4), ("distil_minilm", 5e-4)]


def test_a_depth_is_that_of_the_models_own_dimension(plan_of: PlanOf) -> None:
    when = """
when:
  model=minilm:
    model.freeze_layers: range(0, 7, 2)
  model=distil_minilm:
    model.freeze_layers: 1
"""
    first, second = first_trials(plan_of(TEXT + when)).params
    assert first == {"model": "minilm", RATE: 1e-4, DEPTH: 2}
    assert second == {"model": "distil_minilm", RATE: 4e-4}


def test_a_field_that_other_choices_decide_is_left_to_the_sampler(plan_of: PlanOf) -> None:
    text = TEXT.replace("dataset: tweets", "dataset: choice(tweets, imdb)")
    when = f"when:\n  dataset=imdb:\n    {RATE}: interval(1e-4, 2e-4)\n"
    assert first_trials(plan_of(text + when)).params == ()
    both = f"{when}    {DEPTH}: range(0, 3)\n  dataset=tweets:\n    {DEPTH}: range(0, 3)\n"
    trials = first_trials(plan_of(text + both)).params
    assert trials == ({"model": "minilm", DEPTH: 2}, {"model": "distil_minilm", DEPTH: 2})


@pytest.mark.parametrize(
    ("overrides", "note"),
    [
        ([], "portfolio: 2 known-good settings tried first"),
        (["sweep.portfolio=1"], "portfolio: 1 known-good setting tried first"),
        (
            [f"{RATE}=interval(1e-7,1e-6)"],
            "portfolio: no known-good setting is new and lies in the search space",
        ),
        (
            ["model.name_or_path=choice(a,b)"],
            "portfolio: none, because the checkpoint itself is searched",
        ),
        (
            ["model=checkpoint", "model.name_or_path=no/such-model"],
            "portfolio: no known-good settings for checkpoint (unknown encoder)",
        ),
    ],
)
def test_the_user_is_told_in_one_sentence(plan_of: PlanOf, overrides: list[str], note: str) -> None:
    assert first_trials(plan_of(TEXT, *overrides)).note == note


@pytest.mark.parametrize(
    ("sampler", "models"),
    [
        ("finesweep.samplers.TransferSampler", ["minilm", "minilm"]),
        ("finesweep.samplers.TransferSampler, without: [all]", ["minilm", "distil_minilm"]),
        ("optuna.samplers.TPESampler", ["minilm", "distil_minilm"]),
    ],
)
def test_what_the_sampler_starts_from_is_not_tried_for_it(
    plan_of: PlanOf, workplace: Path, sampler: str, models: list[str]
) -> None:
    smaller = workplace / "portfolios" / "smaller.yaml"
    smaller.write_text(f"in_table: true\n{smaller.read_text()}")
    first = first_trials(plan_of(TEXT, f"sweep.sampler={{_target_: {sampler}}}"))
    assert [each["model"] for each in first.params] == models


def test_the_user_is_told_when_the_sampler_starts_from_all_of_them(
    plan_of: PlanOf, workplace: Path
) -> None:
    for file in (workplace / "portfolios").iterdir():
        file.unlink()
    note = "portfolio: none, because the sampler starts from the trials that it was chosen from"
    assert first_trials(plan_of(TEXT)).note == note


def test_a_model_of_another_size_gets_none_beside_one_that_does(
    plan_of: PlanOf, workplace: Path, tiny_bert: Path
) -> None:
    (workplace / "conf" / "model").mkdir(parents=True)
    (workplace / "conf" / "model" / "tiny.yaml").write_text(f"name_or_path: {tiny_bert}\n")
    first = first_trials(plan_of(TEXT, "model=choice(tiny,minilm)"))
    assert [each["model"] for each in first.params] == ["minilm", "minilm"]
    assert first.note == (
        "portfolio: 2 known-good settings tried first; "
        "there is none for tiny (bert with 4 layers of size 32)"
    )
