"""What a function of the API leaves behind in its caller's process: nothing."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import mlflow
import pytest
import transformers
from tests.unit.sweep.studies import new_study

from finesweep.api.caller import SET_BY_CALLS, no_library_bars, preserve_caller, shared
from finesweep.config import compose_sweep
from finesweep.sweep.signals import deferred_signals
from finesweep.sweep.study.keys import FILES, OVERRIDES, SWEEP
from finesweep.sweep.study.study import plan_of
from finesweep.tracking.current import VARIABLE, current, set_current
from finesweep.tracking.store import ENVIRONMENT

pytestmark = pytest.mark.slow

FIRST_IMPORT = """
import os
from finesweep.api.caller import preserve_caller

with preserve_caller():
    import mlflow
    mlflow.set_tracking_uri("sqlite:///theirs.db")
print(mlflow.tracking.is_tracking_uri_set(), "MLFLOW_TRACKING_URI" in os.environ)
"""


@pytest.fixture
def own_experiment(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A store and an experiment of the caller's, set as MLflow's guides do it."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.setenv(name, "theirs")  # puts it back, whatever MLflow sets
    former = current()
    mlflow.set_tracking_uri(f"sqlite:///{workplace}/own.db")
    yield mlflow.set_experiment("own").experiment_id
    set_current(former)


def test_variables_that_calls_set_are_put_back_and_the_callers_own_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed, deleted, added = SET_BY_CALLS[-3:]
    monkeypatch.setenv(changed, "before")
    monkeypatch.setenv(deleted, "before")
    monkeypatch.setenv(added, "")
    monkeypatch.delenv(added)
    monkeypatch.setenv("MY_TOKEN", "old")
    before = dict(os.environ)

    @preserve_caller()
    def interrupted() -> None:
        os.environ |= {changed: "after", added: "after", "MY_TOKEN": "new"}
        del os.environ[deleted]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert dict(os.environ) == before | {"MY_TOKEN": "new"}


def test_variables_of_the_tracking_store_are_known_to_be_set() -> None:
    assert {*ENVIRONMENT, VARIABLE} <= set(SET_BY_CALLS)


def test_libraries_speak_of_errors_alone_and_afterwards_as_before(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    filters, factory = list(warnings.filters), logging.getLogRecordFactory()
    library = logging.getLogger("wordcloud.a.module")
    with preserve_caller():
        library.warning("no news")
        library.error("an error")
        logging.makeLogRecord({"msg": "of another process"})
        warnings.warn_explicit("no news", UserWarning, "file.py", 1, module="wordcloud.a.module")
        logging.getLogger("optuna").setLevel(logging.CRITICAL)
    library.warning("a warning")
    assert [record.getMessage() for record in caplog.records] == ["an error", "a warning"]
    assert not recwarn.list
    assert (warnings.filters, logging.getLogRecordFactory()) == (filters, factory)
    assert logging.getLogger("optuna").level != logging.CRITICAL


def test_the_caller_speaks_while_a_call_runs_in_another_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun, over = threading.Event(), threading.Event()

    def call() -> None:
        with preserve_caller():
            begun.set()
            over.wait(10)

    thread = threading.Thread(target=call)
    thread.start()
    begun.wait(10)
    try:
        logging.getLogger("mine").warning("a message")
        with pytest.warns(UserWarning, match="a warning"):
            warnings.warn("a warning", stacklevel=1)
        with pytest.raises(UserWarning, match="an error"):
            warnings.warn("an error", stacklevel=1)
    finally:
        over.set()
        thread.join()
    assert [record.getMessage() for record in caplog.records] == ["a message"]


def test_a_record_factory_that_the_caller_sets_during_a_call_stays(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "_logRecordFactory", logging.getLogRecordFactory())
    with preserve_caller():
        below = logging.getLogRecordFactory()

        def own(*args: Any, **kwargs: Any) -> logging.LogRecord:
            return below(*args, **kwargs)

        logging.setLogRecordFactory(own)
    assert logging.getLogRecordFactory() is own
    logging.getLogger("wordcloud.own").warning("a warning")
    assert [record.getMessage() for record in caplog.records] == ["a warning"]


def test_after_a_study_was_read_the_users_files_are_those_of_the_folder(workplace: Path) -> None:
    (workplace / "sweeps").mkdir()
    own = workplace / "sweeps" / "own.yaml"
    own.write_text("# @package sweep\nn_trials: 2\n", encoding="utf-8")
    files = {"sweeps/own.yaml": "# @package sweep\nn_trials: 1\n"}
    study = new_study(**{SWEEP: "own", FILES: files, OVERRIDES: []})
    with preserve_caller():
        assert plan_of(study, []).settings.n_trials == 1
    assert compose_sweep("own", []).settings.n_trials == 2


def test_mlflow_goes_on_with_the_callers_store_and_experiment(own_experiment: str) -> None:
    uri = mlflow.get_tracking_uri()
    with preserve_caller():
        assert mlflow.set_experiment("theirs").experiment_id != own_experiment
        mlflow.set_tracking_uri("sqlite:///theirs.db")
    assert mlflow.get_tracking_uri() == uri == os.environ["MLFLOW_TRACKING_URI"]
    with mlflow.start_run() as run:
        assert run.info.experiment_id == own_experiment


def test_mlflow_that_was_first_imported_by_a_call_has_no_store_set(workplace: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_IMPORT], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False False\n"


def of_libraries() -> tuple[object, ...]:
    return (
        logging.root.manager.disable,
        logging.getLogRecordFactory(),
        list(warnings.filters),
        dict(os.environ),
        mlflow.get_tracking_uri(),
        transformers.utils.logging.is_progress_bar_enabled(),
        datasets.are_progress_bars_disabled(),
    )


def test_calls_that_overlap_leave_nothing_behind(own_experiment: str) -> None:
    first_in, second_in, first_out = (threading.Event() for _ in range(3))
    before = of_libraries()

    def first() -> None:
        with preserve_caller(), no_library_bars():
            first_in.set()
            second_in.wait(10)
        first_out.set()

    thread = threading.Thread(target=first)
    thread.start()
    first_in.wait(10)
    with preserve_caller(), no_library_bars():
        second_in.set()
        first_out.wait(10)
        assert of_libraries() != before
        mlflow.set_tracking_uri("sqlite:///theirs.db")
    thread.join()
    assert of_libraries() == before


def test_a_call_that_fails_on_its_way_in_leaves_the_next_one_as_it_was() -> None:
    said: list[str] = []

    @shared
    @contextmanager
    def context() -> Iterator[None]:
        said.append("in")
        if len(said) == 1:
            raise OSError("away")
        yield
        said.append("out")

    with pytest.raises(OSError, match="away"), context():
        pass
    with context():
        pass
    assert said == ["in", "in", "out"]


def test_a_thread_of_the_callers_needs_no_signal_handlers() -> None:
    requested: list[bool] = []

    def work() -> None:
        with deferred_signals() as interruption:
            requested.append(interruption.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert requested == [False]
