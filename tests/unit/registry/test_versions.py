"""A winner becomes one version of a registered model, however often it is registered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pytest
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finesweep.pairs import join_pair
from finesweep.records import Finalist
from finesweep.registry.versions import register
from finesweep.tracking import TrackingStore, start_run
from finesweep.tracking.models.classifier import log_classifier

# MLflow's own, when it first loads what it logs models with.
pytestmark = [
    pytest.mark.slow,  # a model is logged and loaded back
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]


@pytest.fixture(scope="module")
def finalists(store: TrackingStore, tiny_bert: Path) -> tuple[Finalist, Finalist]:
    """Two winners, each with a model of its own in the store."""
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert)
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    made = []
    for trial in (4, 7):
        run = start_run(store, name=f"winner {trial}")
        uri = log_classifier(run, model, tokenizer, max_length=24, examples=["a", "b c"])
        scores = {"test/loss": 0.51239, "test/f1": 0.8}
        made.append(Finalist(trial, run.run_id, uri, scores, 0.4375, 80, 24))
    return made[0], made[1]


def registered(
    store: TrackingStore, finalist: Finalist, name: str, alias: str = "challenger"
) -> str:
    return register(store.client, finalist, name=name, alias=alias, sweep="demo")


def bearer(store: TrackingStore, name: str, alias: str) -> str:
    return str(store.client.get_model_version_by_alias(name, alias).version)


def test_a_model_that_is_registered_twice_is_one_version(
    store: TrackingStore, finalists: tuple[Finalist, Finalist]
) -> None:
    assert [registered(store, finalists[0], "twice") for _ in range(3)] == ["1", "1", "1"]
    (version,) = store.client.search_model_versions("name='twice'")
    assert version.source == finalists[0].model_uri
    assert version.run_id == finalists[0].run_id
    assert version.tags == {"finesweep.sweep": "demo", "finesweep.trial_number": "4"}


def test_the_alias_moves_to_the_winner_and_leaves_other_aliases(
    store: TrackingStore, finalists: tuple[Finalist, Finalist]
) -> None:
    assert registered(store, finalists[0], "moving") == "1"
    store.client.set_registered_model_alias("moving", "champion", "1")
    assert registered(store, finalists[1], "moving") == "2"
    aliases = store.client.get_registered_model("moving").aliases
    assert {alias: str(version) for alias, version in aliases.items()} == {
        "champion": "1",
        "challenger": "2",
    }
    assert registered(store, finalists[0], "moving") == "1"
    assert bearer(store, "moving", "challenger") == "1"


def test_a_version_without_its_alias_is_completed(
    store: TrackingStore, finalists: tuple[Finalist, Finalist]
) -> None:
    registered(store, finalists[0], "torn")
    store.client.delete_registered_model_alias("torn", "challenger")
    assert registered(store, finalists[0], "torn") == "1"
    assert bearer(store, "torn", "challenger") == "1"


def test_one_model_may_stand_under_two_names(
    store: TrackingStore, finalists: tuple[Finalist, Finalist]
) -> None:
    assert registered(store, finalists[0], "first-name") == "1"
    assert registered(store, finalists[0], "second-name", "staging") == "1"
    assert bearer(store, "second-name", "staging") == "1"


def test_the_description_holds_the_scores_and_how_to_call_the_model(
    store: TrackingStore, finalists: tuple[Finalist, Finalist]
) -> None:
    registered(store, finalists[0], "described")
    text = store.client.get_model_version("described", "1").description
    assert text.startswith("Best trial of sweep demo (trial 4), on 80 test rows.\n")
    assert "| test/loss | 0.5124 |" in text
    assert "| test/f1 | 0.8000 |" in text
    note = store.client.get_registered_model("described").description
    assert "by sweep demo. `challenger` is the newest winner" in note
    assert "- majority-class accuracy: 0.4375\n" in text
    assert 'finesweep predict --model models:/described@challenger "a text"' in text
    assert 'classify(["a text"], truncation=True, max_length=24)' in text


@pytest.mark.parametrize(
    ("known", "told", "untold"),
    [
        ({"pooling": "mean"}, "finesweep.load_model(", "classify("),
        ({"clean": ["html"]}, "(dataset.clean: html)", "classify("),
        ({"multi_label": True}, "max_length=24, top_k=None)", "finesweep.load_model("),
    ],
)
def test_the_description_has_the_call_that_predicts_as_it_was_evaluated(
    store: TrackingStore,
    finalists: tuple[Finalist, Finalist],
    known: dict[str, Any],
    told: str,
    untold: str,
) -> None:
    name = f"with-{next(iter(known))}"
    registered(store, replace(finalists[0], **known), name)
    text = store.client.get_model_version(name, "1").description
    assert told in text
    assert untold not in text


def test_the_call_in_the_description_works_as_it_stands(
    store: TrackingStore, finalists: tuple[Finalist, Finalist]
) -> None:
    registered(store, finalists[0], "called")
    text = store.client.get_model_version("called", "1").description
    lines = [line.strip() for line in text.partition("training and evaluation:")[2].splitlines()]
    scope: dict[str, object] = {}
    exec("\n".join(lines).replace("classify([", "answer = classify(["), scope)
    (answer,) = scope["answer"]  # type: ignore[misc]
    assert answer["label"] in ("LABEL_0", "LABEL_1")
    assert mlflow.active_run() is None


def test_a_name_that_cannot_be_had_is_the_registrys_own_error(
    store: TrackingStore, finalists: tuple[Finalist, Finalist]
) -> None:
    with pytest.raises(
        mlflow.exceptions.MlflowException, match="Missing value for required parameter 'name'"
    ):
        registered(store, finalists[0], "")


def test_a_finalist_of_another_model_is_another_version(
    store: TrackingStore, finalists: tuple[Finalist, Finalist]
) -> None:
    retrained = replace(finalists[0], model_uri=finalists[1].model_uri, run_id=finalists[1].run_id)
    assert registered(store, finalists[0], "same-trial") == "1"
    assert registered(store, retrained, "same-trial") == "2"


@pytest.mark.parametrize(
    ("known", "call"),
    [
        ({}, 'classify([{"text": "a text", "text_pair": "another"}], truncation=True, '),
        (
            {"combined": {"way": "ensemble", "n_members": 2}},
            '@challenger").predict([{"text": "a text", "text_pair": "another"}])',
        ),
        ({"clean": ["html"]}, f'.predict(["{join_pair("a text", "another")}"])'),
    ],
)
def test_the_description_of_a_model_of_pairs_calls_it_with_pairs(
    store: TrackingStore, finalists: tuple[Finalist, Finalist], known: dict[str, Any], call: str
) -> None:
    name = f"of-pairs-{next(iter(known), 'alone')}"
    registered(store, replace(finalists[0], pairs=True, **known), name)
    text = store.client.get_model_version(name, "1").description
    assert f'predict --model models:/{name}@challenger "a text" "another"\n' in text
    assert call in text
