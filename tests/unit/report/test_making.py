"""Where a report is written, and what happens if it cannot be made."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.report.made import decide, made_study

from finesweep.config import SweepPlan, compose_sweep
from finesweep.errors import ConfigError
from finesweep.report.making import FILE, log_report, report_path, write_report_of
from finesweep.sweep.study.keys import DEFINITION, FINALIST, PARENT_RUN_ID
from finesweep.tracking import TrackingStore, start_run

pytestmark = pytest.mark.slow


def test_a_report_is_named_as_its_study_unless_a_file_is_given(workplace: Path) -> None:
    assert report_path("demo", None) == Path("demo.html")
    assert report_path("films/small one", None) == Path("films_small_one.html")
    assert report_path("demo", "own.html") == Path("own.html")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("folder", "output: folder: is a folder; name a file"),
        ("no/such/report.html", "output: no/such/report.html: there is no folder no/such"),
        ("notes.txt", "output: notes.txt: exists and is no report; name another file"),
        ("", "output: .: is a folder; name a file"),
    ],
)
def test_a_place_that_cannot_hold_it_is_refused(workplace: Path, output: str, said: str) -> None:
    (workplace / "folder").mkdir()
    (workplace / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError) as raised:
        report_path("demo", output)
    assert str(raised.value) == said


def test_it_is_written_without_mlflow_and_replaces_an_earlier_one(workplace: Path) -> None:
    study, path = made_study(4), Path("own.html")
    decide(study)
    for _ in range(2):
        write_report_of(study, [], report_path("own", None))
        page = path.read_text(encoding="utf-8")
        assert "There is no MLflow store at" in page
        assert "The sweep&#39;s config does not compose here" in page
    assert [each.name for each in workplace.iterdir()] == ["own.html"]


def test_a_file_that_cannot_be_written_is_one_message_and_leaves_nothing(workplace: Path) -> None:
    study = made_study(2)
    name = "n" * 300  # longer than any file system takes
    with pytest.raises(ConfigError, match=r"^output: n+\.html: File name too long$"):
        write_report_of(study, [], Path(f"{name}.html"))
    assert list(workplace.iterdir()) == []


def test_a_study_of_another_version_is_one_message(workplace: Path) -> None:
    study = made_study(2)
    study.set_user_attr(FINALIST, {"trial": 0, "colour": "blue"})
    with pytest.raises(
        ConfigError, match=r"^sweep: study 'own' is of another version of finesweep"
    ):
        write_report_of(study, [], Path("own.html"))
    assert list(workplace.iterdir()) == []


@pytest.fixture
def plan(workplace: Path, store: TrackingStore) -> SweepPlan:
    folder = workplace / "sweeps"
    folder.mkdir()
    lines = "# @package sweep\nn_trials: 2\nparams:\n  training.epochs: range(1, 3)\n"
    (folder / "own.yaml").write_text(lines, encoding="utf-8")
    return compose_sweep("own", [f"tracking.uri={store.uri}"])


def test_it_is_logged_on_the_sweep_s_parent_run(plan: SweepPlan, store: TrackingStore) -> None:
    study = made_study(2)
    parent = start_run(store, name="own")
    study.set_user_attr(PARENT_RUN_ID, parent.run_id)
    said: list[str] = []
    log_report(plan, study, said.append)
    assert said == []
    page = Path(store.client.download_artifacts(parent.run_id, FILE)).read_text(encoding="utf-8")
    assert "leads; the winner is not evaluated yet" in page


def test_a_report_that_fails_is_said_in_one_sentence(plan: SweepPlan, store: TrackingStore) -> None:
    study = made_study(2)
    study.set_user_attr(PARENT_RUN_ID, start_run(store, name="own").run_id)
    study.set_user_attr(DEFINITION, {})
    said: list[str] = []
    log_report(plan, study, said.append)
    (sentence,) = said
    assert sentence.startswith("the report was not made: sweep: study 'own' is of another version")
