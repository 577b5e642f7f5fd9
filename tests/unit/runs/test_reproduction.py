"""A repeated run is equal, equal within the noise, or another result, by a rule that is told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from finesweep.records import Evaluation
from finesweep.runs.recorded import RecordedRun, read_run
from finesweep.runs.reproduction import Reproduction, compare_repeated, first_difference
from finesweep.tracking import TrackingStore, start_run
from finesweep.tracking.predictions import write_predictions

pytestmark = pytest.mark.slow

N_ROWS = 100
LABELS = np.arange(N_ROWS) % 2
Make = Callable[..., RecordedRun]


@pytest.fixture(scope="module")
def make(store: TrackingStore, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a run with this many wrong rows of 100, this loss after 10 examples, and tags."""

    def made(n_wrong: int = 20, loss: float = 0.5, **tags: str) -> RecordedRun:
        run = start_run(store, name="r", tags={f"finesweep.{k}": v for k, v in tags.items()})
        accuracy = 1 - n_wrong / N_ROWS
        run.log_evaluation(
            Evaluation(10, 0.5, {"validation/loss": loss, "validation/accuracy": accuracy})
        )
        if n_wrong:
            said = np.where(np.arange(N_ROWS) < n_wrong, 1 - LABELS, LABELS)
            folder = tmp_path_factory.mktemp("files")
            (folder / "validation").mkdir()
            shares = np.eye(2)[said] * 0.8 + 0.1
            write_predictions(folder / "validation", LABELS, shares, ["no", "yes"])
            run.log_folder(folder)
        return read_run(store, run.run_id)

    return made


def compared(then: RecordedRun, now: RecordedRun, deviation: float | None = None) -> Reproduction:
    return compare_repeated(then, now, metric="validation/loss", deviation=deviation)


def test_equal_means_every_bit_of_scores_and_probabilities(make: Make) -> None:
    made = compared(make(), make())
    assert (made.verdict, made.changed) == ("equal", ())
    assert made.reasons == (
        "Equal bit for bit: the scores of 1 evaluation and the probabilities of all validation"
        " rows.",
    )
    assert made.scores["validation/loss"] == (0.5, 0.5)


def test_the_last_bit_of_a_score_is_told(make: Make) -> None:
    loss = float(np.nextafter(0.5, 1))
    made = compared(make(), make(loss=loss))
    assert made.verdict == "within noise"
    assert made.reasons == (
        f"The first difference: validation/loss after 10 examples was 0.5, now {loss!r}.",
        "Every score is within its 95 % interval over validation rows.",
    )


def test_other_probabilities_behind_equal_scores_are_seen(make: Make) -> None:
    now = make(n_wrong=21)
    made = compared(make(), RecordedRun(**{**vars(now), "metrics": make().metrics}))
    assert "The probabilities of the validation rows differ." in made.reasons


def test_a_score_outside_its_interval_differs(make: Make) -> None:
    made = compared(make(n_wrong=20), make(n_wrong=40))
    assert made.verdict == "differs"
    assert made.reasons[-1].startswith("validation/accuracy was 0.8000 (0.7")
    assert made.reasons[-1].endswith("now 0.6000: outside its interval.")


@pytest.mark.parametrize(("deviation", "verdict"), [(0.02, "within noise"), (0.005, "differs")])
def test_the_deviation_between_seeds_judges_the_metric_of_a_confirmed_sweep(
    make: Make, deviation: float, verdict: str
) -> None:
    made = compared(make(), make(loss=0.51), deviation)
    assert made.verdict == verdict
    assert f"between {'the ' * (verdict != 'differs')}seeds" in made.reasons[-1]


@pytest.mark.parametrize(
    ("tag", "name"), [("data_fingerprint", "data"), ("weights_sha256", "starting weights")]
)
def test_with_other_data_or_weights_it_is_another_experiment(
    make: Make, tag: str, name: str
) -> None:
    made = compared(make(**{tag: "a"}), make(**{tag: "b"}))
    assert (made.verdict, made.changed) == ("differs", (name,))
    assert made.reasons[0] == f"With other {name} it is another experiment."


def test_another_device_is_told_but_decides_nothing(make: Make) -> None:
    made = compared(make(device="x"), make(device="y"))
    assert (made.verdict, made.changed) == ("equal", ("device",))


def test_what_the_original_did_not_record_has_not_changed(make: Make) -> None:
    made = compared(make(), make(device="y"))
    assert made.changed == ()
    assert ("device", None) in [(each.name, each.recorded) for each in made.inputs]


def test_without_predictions_nothing_is_within_noise(make: Make) -> None:
    made = compared(make(n_wrong=0), make(n_wrong=0, loss=0.6))
    assert made.verdict == "differs"
    assert compared(make(n_wrong=0), make(n_wrong=0)).verdict == "equal"


def test_an_evaluation_more_or_less_is_a_difference() -> None:
    then, now = {10: {"a": 1.0}, 20: {"a": 2.0}}, {10: {"a": 1.0}}
    assert first_difference(then, now) == "an evaluation after 20 examples only then"
    assert first_difference(now, then) == "an evaluation after 20 examples only now"
