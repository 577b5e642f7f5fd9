"""A winner whose seeds are better together: chosen on validation, evaluated once on test and
registered, and its other weights freed, also when a process ends in between.

The seeds' heads are a good head plus noise and minus noise, so that their average is the good one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from optuna import Study
from tests.stores import put_stores
from tests.sweeping import Sweeping
from tests.unit.sweep.studies import add_trial
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finesweep.config import SweepPlan
from finesweep.errors import ConfigError
from finesweep.prediction import load_classifier
from finesweep.records import Finalist
from finesweep.runs.recorded import read_run
from finesweep.runs.repetition import MEMBERS, plan_repetition
from finesweep.sweep.parent_run import find_or_start_parent
from finesweep.sweep.selection import registration
from finesweep.sweep.selection.claims import is_finished_sweep
from finesweep.sweep.selection.combining import load_winner
from finesweep.sweep.selection.confirmation import (
    add_seed_slots,
    is_combined,
    make_confirmation,
    winner_of,
)
from finesweep.sweep.selection.registration import register_winner
from finesweep.sweep.selection.state import read_state
from finesweep.sweep.status import status_of
from finesweep.sweep.study.keys import CHECKPOINT, COMBINATION, MODEL, REGISTERED, VALUES
from finesweep.sweep.study.study import finalist_in, open_study
from finesweep.tracking import TrackingStore, open_store, start_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
SWEEP = """\
# @package sweep
n_trials: 1
baseline: false
params:
  dataset: local
  dataset.path: {texts}
  dataset.max_length: 16
  model.name_or_path: {model}
  training.precision: fp32
  training.learning_rate: tag(log, interval(1e-3, 0.02))
register: {{name: own-model, alias: challenger}}
"""
SOUP = "sweep.confirm={top_k: 1, seeds: 3, soup: true}"
ENSEMBLE = "sweep.confirm={top_k: 1, seeds: 3, ensemble: true}"
NAMES = ("bad", "good", "plain")
NOISE = (1.0, -1.0, 0.5)
"""Of each seed's head; the third lies outside the average of the others."""
LOSSES = (0.5, 0.6, 0.7)


class Confirmed(Sweeping):
    """A confirmed sweep, whose seeds' weights were made and not trained."""

    def made(self, confirm: str, *, heads: tuple[int | None, ...] = (5, 5, 5)) -> SweepPlan:
        plan = self.plan(confirm)
        study = open_study(plan)
        values = {"training.learning_rate": 0.01}
        add_trial(study, value=0.4, **{VALUES: values, MODEL: "tiny", CHECKPOINT: "gone/a/b/model"})
        confirmation = make_confirmation(study)
        add_seed_slots(confirmation, [0], n_seeds=3)
        for slot, (loss, head) in enumerate(zip(LOSSES, heads, strict=True)):
            own = {**values, "training.seed": slot, "training.head_seed": head}
            folder = str(self._weights(plan, confirmation.study_name, slot))
            add_trial(confirmation, value=loss, **{VALUES: own, MODEL: "tiny", CHECKPOINT: folder})
        return plan

    def tracked(self, confirm: str, *, heads: tuple[int | None, ...] = (5, 5, 5)) -> SweepPlan:
        """The same, with a run for each seed."""
        plan = self.made(confirm, heads=heads)
        study, store = open_study(plan), open_store(plan.base.config.tracking)
        parent = find_or_start_parent(store, study, plan)
        for slot in range(3):
            uid = f"{study.user_attrs['uid']}/confirmation/{slot}"
            tags = {"finesweep.uid": uid, "finesweep.kind": "confirmation"}
            run = start_run(store, name=f"seed {slot}", parent_run_id=parent.run_id, tags=tags)
            run.finish("FINISHED")
        return plan

    def _weights(self, plan: SweepPlan, study: str, slot: int) -> Path:
        name = plan.base.config.model.name_or_path
        model = AutoModelForSequenceClassification.from_pretrained(
            name,
            num_labels=3,
            id2label=dict(enumerate(NAMES)),
            problem_type="single_label_classification",
            ignore_mismatched_sizes=True,
        )
        noise = torch.randn(
            model.classifier.weight.shape, generator=torch.Generator().manual_seed(3)
        )
        model.classifier.weight.data = 4 * NOISE[slot] * noise
        model.classifier.bias.data.zero_()
        folder = (
            Path(plan.base.config.storage.checkpoints)
            / study
            / f"slot-{slot:04d}"
            / "attempt-1"
            / "model"
        )
        model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(name).save_pretrained(folder)
        return folder

    @property
    def weights(self) -> list[int]:
        """Seeds whose weights are there."""
        folders = (self.folder / "mlruns/checkpoints/own+confirmation").glob("slot-*")
        return sorted(int(each.name.partition("-")[2]) for each in folders)


@pytest.fixture
def sweeping(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_bert: Path,
    texts_csv: Path,
    empty_stores: Path,
) -> Confirmed:
    put_stores(empty_stores, tmp_path)
    (tmp_path / "sweeps").mkdir()
    text = SWEEP.format(texts=texts_csv, model=tiny_bert)
    (tmp_path / "sweeps" / "own.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return Confirmed(tmp_path)


def finish(plan: SweepPlan) -> tuple[Study, TrackingStore]:
    study, store = open_study(plan), open_store(plan.base.config.tracking)
    register_winner(plan, study, read_state(study), store)
    return study, store


def winner_in(study: Study) -> Finalist:
    finalist = finalist_in(study.user_attrs)
    assert finalist is not None
    return finalist


def is_finished(plan: SweepPlan, study: Study) -> bool:
    return is_finished_sweep(read_state(study), plan.settings.register, plan.confirm)


def test_a_soup_that_is_better_is_the_winner_even_after_an_end_in_between(
    sweeping: Confirmed, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = sweeping.tracked(SOUP)

    def killed(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(registration, "evaluate_winner", killed)
        with pytest.raises(SystemExit):
            finish(plan)
    study = open_study(plan)
    tried = status_of(study).combination
    assert tried is not None
    assert (tried["chosen"], tried["members"]) == ("greedy soup", (0, 1))
    assert tried["values"]["greedy soup"] == pytest.approx(1.0986, abs=1e-3)  # ln 3: all alike
    assert sorted(tried["values"]) == ["best seed", "greedy soup", "uniform soup"]
    assert tried["values"]["best seed"] > tried["values"]["uniform soup"] > 1.2
    assert finalist_in(study.user_attrs) is None
    assert sweeping.weights == [0, 1]
    assert not is_finished(plan, study)

    study, store = finish(plan)
    assert is_finished(plan, study)
    finalist, before = winner_in(study), study.user_attrs[COMBINATION]
    run = store.client.get_run(finalist.run_id)
    assert (run.info.status, run.data.tags["finesweep.kind"]) == ("FINISHED", "soup")
    assert run.data.tags["finesweep.confirms"] == "0"
    assert run.data.metrics["test/look"] == finalist.test_look == 1
    assert study.user_attrs[REGISTERED]["version"] == "1"
    gain = finalist.combined
    assert gain is not None
    assert gain["validation"][0] == pytest.approx(1.0986, abs=1e-3)
    assert gain["best_seed_metrics"]["test/loss"] > finalist.test_metrics["test/loss"]
    parent = store.client.get_run(study.user_attrs["parent_run_id"]).data
    assert parent.tags["finesweep.winner_run_id"] == finalist.run_id
    assert parent.metrics["combined_gain/test/loss"] == pytest.approx(
        gain["best_seed_metrics"]["test/loss"] - finalist.test_metrics["test/loss"]
    )
    assert "greedy soup of 2 seeds" in parent.tags["mlflow.note.content"]
    # Its members' runs are named, and can be reproduced instead of it.
    members = run.data.tags[MEMBERS].split()
    assert len(members) == 2
    told = f"combines several runs; reproduce one of them: {members[0]}, {members[1]}"
    with pytest.raises(ConfigError, match=told):
        plan_repetition(read_run(store, finalist.run_id), now=plan.base)

    study, _ = finish(plan)  # nothing is done twice
    assert winner_in(study) == finalist
    assert study.user_attrs[COMBINATION] == before
    winner = winner_of(read_state(study), plan.confirm)
    assert winner is not None
    model, _ = load_winner(plan, winner)  # its members' weights were kept
    assert float(model.classifier.weight.detach().abs().max()) == 0.0


def test_an_ensemble_is_one_model_and_tells_its_latency(sweeping: Confirmed) -> None:
    plan = sweeping.tracked(ENSEMBLE, heads=(1, None, 3))
    study, store = finish(plan)
    finalist = winner_in(study)
    gain = finalist.combined
    assert gain is not None
    assert (gain["way"], gain["n_members"], sweeping.weights) == ("ensemble", 3, [0, 1, 2])
    assert min(gain["latency_ms"]) > 0
    run = store.client.get_run(finalist.run_id).data
    assert run.metrics["latency_ms/one_p50"] == pytest.approx(gain["latency_ms"][0])
    assert run.tags["finesweep.kind"] == "ensemble"
    classifier = load_classifier("models:/own-model@challenger", tracking_uri=store.uri)
    (answer,) = classifier.predict(["a lovely day"])
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    version = store.client.get_model_version("own-model", "1")
    assert "ensemble of 3 seeds" in version.description
    assert "mlflow.pyfunc.load_model" in version.description


@pytest.mark.parametrize(
    ("heads", "prepare", "told"),
    [
        (
            (1, 2, 3),
            lambda own: None,
            "2 of its seeds started from another head, and are not averaged",
        ),
        ((5, 5, 5), lambda own: own.lose(1, 2), "the weights of 2 of its 3 seeds were not kept"),
    ],
    ids=["other heads", "weights gone"],
)
def test_seeds_that_cannot_be_averaged_leave_the_best_one(
    sweeping: Confirmed,
    heads: tuple[int, ...],
    prepare: Callable[[Confirmed], None],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lose(own: Confirmed, *seeds: int) -> None:
        for seed in seeds:
            (own.folder / f"mlruns/checkpoints/own+confirmation/slot-000{seed}").rename(
                f"lost-{seed}"
            )

    monkeypatch.setattr(Confirmed, "lose", lose, raising=False)
    plan = sweeping.made(SOUP, heads=heads)
    prepare(sweeping)
    study = open_study(plan)
    state = registration.combine_seeds(plan, study, read_state(study))
    winner = winner_of(state, plan.confirm)
    assert winner is not None
    assert winner.combination is None
    assert is_combined(state, plan.confirm, winner)
    tried = status_of(study).combination
    assert tried is not None
    assert (tried["chosen"], tried["members"], tried["omissions"]) == ("best seed", (0,), [told])
    assert sweeping.weights == [0]
    assert json.dumps(tried)
