"""An experiment's description is a table of its sweeps, whichever of them writes it last."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from mlflow import MlflowClient

from finesweep.tracking import Run, TrackingStore, start_run
from finesweep.tracking.pages.notes import is_signed, signed
from finesweep.tracking.pages.overview import describe_experiment

NOTE = "mlflow.note.content"


@pytest.fixture
def place(store: TrackingStore) -> TrackingStore:
    """An experiment of its own."""
    experiment_id = store.client.create_experiment(uuid.uuid4().hex)
    return TrackingStore(store.client, experiment_id, store.uri)


def won(place: TrackingStore, sweep: str, loss: float, accuracy: float) -> Run:
    """The parent run of a sweep with a winner."""
    tags = {"finesweep.kind": "sweep", "finesweep.sweep": sweep}
    parent = start_run(place, name=sweep, tags=tags)
    parent.log_metrics({"best/validation/loss": 0.1, "validation/loss": loss}, step=1)
    parent.log_metrics({"test/accuracy": accuracy}, step=1)
    winner = {"finesweep.winner_run_id": "7f", "finesweep.winner_name": "7 minilm lr 2e-4"}
    parent.set_tags(winner)
    return parent


def test_an_older_sweep_shows_its_best_trials_value(place: TrackingStore) -> None:
    parent = start_run(place, name="old", tags={"finesweep.kind": "sweep"})
    parent.log_metrics({"best/validation/f1": 0.875}, step=1)
    parent.set_tags({"finesweep.winner_run_id": "7f", "finesweep.winner_trial": "3"})
    assert describe_experiment(place)
    assert rows(place)[0].endswith("| validation/f1 | 0.8750 |  |")
    assert "[trial 3]" in rows(place)[0]


def note(place: TrackingStore) -> str:
    tags = place.client.get_experiment(place.experiment_id).tags
    return str(tags.get(NOTE, ""))


def rows(place: TrackingStore) -> list[str]:
    """The table's lines below its head."""
    return [line for line in note(place).splitlines() if line.startswith("|")][2:]


def test_each_sweep_with_a_winner_has_a_line_the_newest_first(place: TrackingStore) -> None:
    first = won(place, "imdb_1", 0.25, 0.9)
    start_run(place, name="under way", tags={"finesweep.kind": "sweep"})
    won(place, "tweets", 0.5, 0.75)
    assert describe_experiment(place)
    at = f"#/experiments/{place.experiment_id}/runs"
    assert rows(place)[1] == (
        rf"| [imdb\_1]({at}/{first.run_id}) | [7 minilm lr 2e\-4]({at}/7f) "
        "| validation/loss | 0.2500 | 0.9000 |"
    )
    assert rows(place)[0].startswith("| [tweets]")
    before = note(place)
    assert describe_experiment(place)
    assert note(place) == before
    place.client.delete_run(first.run_id)
    assert describe_experiment(place)
    assert [line[:9] for line in rows(place)] == ["| [tweets"]


def test_the_line_of_a_sweep_that_ends_meanwhile_is_not_lost(place: TrackingStore) -> None:
    """The second sweep logs its winner and writes the table between the first one's reading and
    its writing."""
    won(place, "first", 0.5, 0.75)

    def meanwhile() -> None:
        won(place, "second", 0.25, 0.5)
        assert describe_experiment(place)
        assert len(rows(place)) == 2

    late = TrackingStore(Interrupted(place.uri, meanwhile), place.experiment_id, place.uri)
    assert describe_experiment(late)
    assert [line[:10] for line in rows(place)] == ["| [second]", "| [first]("]


class Interrupted(MlflowClient):
    """Before its first write something else happens."""

    def __init__(self, uri: str, meanwhile: Callable[[], None]) -> None:
        super().__init__(tracking_uri=uri)
        self.meanwhile = [meanwhile]

    def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
        while self.meanwhile:
            self.meanwhile.pop()()
        super().set_experiment_tag(experiment_id, key, value)  # type: ignore[no-untyped-call]


def test_a_users_own_words_stay(place: TrackingStore) -> None:
    won(place, "first", 0.5, 0.75)
    for own in ("Our experiments", f"See the wiki. {signed('**Sweeps**')}"):
        place.client.set_experiment_tag(place.experiment_id, NOTE, own)
        assert not describe_experiment(place)
        assert note(place) == own


def test_only_an_unchanged_description_is_signed() -> None:
    text = signed("a\n\nb")
    assert is_signed(text)
    assert is_signed(f"{text}\n")
    assert not is_signed(text.replace("b", "c"))
    assert not is_signed("")
    assert not is_signed("a")


def test_the_oldest_sweeps_go_when_the_table_is_too_long(
    place: TrackingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "three"):
        won(place, name, 0.5, 0.75)
    assert describe_experiment(place)
    limit = len(note(place)) - 1
    monkeypatch.setattr("finesweep.tracking.pages.overview.MAX_EXPERIMENT_TAG_CHARACTERS", limit)
    assert describe_experiment(place)
    assert [line[:7] for line in rows(place)] == ["| [thre", "| [two]"]
    assert "1 earlier sweep is not listed." in note(place)
