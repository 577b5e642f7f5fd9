"""A worker's delivery: outages do not block the trial, and are reported once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE
from tests.unit.tracking.outboxes import END, history, known, opened, write_trial
from tests.waiting import until

from finesweep.config import TrackingConfig
from finesweep.records import Evaluation
from finesweep.tracking import Delivery, Run, TrackingStore, delivery, find_runs, pending_outboxes

pytestmark = pytest.mark.slow

SOON = 20.0
"""Seconds for a loaded machine; each wait ends as soon as it can."""


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def started(
    store: TrackingStore, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Delivery]]:
    """Creates deliveries that retry often, and stops them."""
    for name in ("POLL_SECONDS", "FIRST_PAUSE_SECONDS", "MAX_PAUSE_SECONDS"):
        monkeypatch.setattr(delivery, name, 0.05)
    made: list[Delivery] = []

    def start(uri: str = store.uri, on_run: Callable[[str, str], None] | None = None) -> Delivery:
        heard = on_run or (lambda uid, run_id: None)
        config = TrackingConfig(uri=uri)
        made.append(Delivery(config, on_run=heard, on_outage=told.append))
        return made[-1]

    yield start
    for each in made:
        each.stop()


def the_run(store: TrackingStore, uid: str) -> str:
    (run,) = find_runs(store, {"finesweep.uid": uid})
    return run.run_id


def test_an_outbox_is_delivered_while_it_grows_and_when_it_closes(
    store: TrackingStore, tmp_path: Path, told: list[str], started: Callable[..., Delivery]
) -> None:
    heard: list[tuple[str, str]] = []
    courier = started(on_run=lambda *ids: heard.append(ids))
    outbox = opened(tmp_path, "growing")
    courier.add(outbox.folder)
    for step in (1, 2):
        outbox.log_metrics({"m": step}, step=step)
        assert courier.wait(SOON)
        assert len(history(store, the_run(store, "growing"), "m")) == step
    assert outbox.folder.exists()
    outbox.close("FINISHED", END)
    assert courier.wait(SOON)
    assert pending_outboxes(tmp_path) == []
    assert set(heard) == {("growing", the_run(store, "growing"))}
    assert told == []


def test_a_newer_call_replaces_an_older_one_that_is_not_done(
    started: Callable[..., Delivery], told: list[str]
) -> None:
    courier, done, going = started(), [], threading.Event()

    def blocked(store: TrackingStore) -> None:
        going.set()
        until(lambda: len(done) == 0 and free.is_set())
        done.append("blocked")

    free = threading.Event()
    courier.call(blocked, key="first")
    going.wait(SOON)
    courier.call(lambda store: done.append("old"), key="best")
    courier.call(lambda store: done.append("new"), key="best")
    courier.call(lambda store: done.append("other"), key="other")
    assert not courier.wait(0.1)
    free.set()
    assert courier.wait(SOON)
    assert (sorted(done), told) == (["blocked", "new", "other"], [])


def test_an_outage_is_told_once_and_waited_for(
    store: TrackingStore, tmp_path: Path, told: list[str], started: Callable[..., Delivery]
) -> None:
    (tmp_path / "file").write_text("in the way")
    away = f"sqlite:///{tmp_path / 'file' / 'mlflow.db'}"
    courier, outbox = started(away), opened(tmp_path, "away")
    courier.add(outbox.folder)
    outbox.log_metrics({"m": 1.0}, step=1)
    until(lambda: told)
    assert not courier.wait(0.5)
    assert len(told) == 1
    assert told[0].startswith("tracking is away: tracking.uri: cannot open 'sqlite:///")
    (tmp_path / "file").unlink()
    assert courier.wait(3 * SOON)
    assert len(told) == 1


def test_a_job_that_finds_the_store_away_is_tried_again(
    started: Callable[..., Delivery], told: list[str]
) -> None:
    courier, tries = started(), []

    def job(store: TrackingStore) -> None:
        tries.append(1)
        if len(tries) < 4:
            raise MlflowException("gone\nwith details", INTERNAL_ERROR)

    courier.call(job, key="best")
    assert courier.wait(SOON)
    assert (len(tries), told) == (4, ["tracking is away: gone"])


def test_a_job_that_can_never_work_is_told_and_dropped(
    started: Callable[..., Delivery], told: list[str]
) -> None:
    courier, tries = started(), []

    def job(store: TrackingStore) -> None:
        tries.append(1)
        raise MlflowException("no such tag", INVALID_PARAMETER_VALUE)

    courier.call(job, key="best")
    assert courier.wait(SOON)
    assert (len(tries), told) == (1, ["best is not tracked: no such tag"])


def test_one_outbox_that_always_fails_does_not_hold_up_another(
    store: TrackingStore,
    tmp_path: Path,
    told: list[str],
    started: Callable[..., Delivery],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log_params = Run.log_params

    def failing(run: Run, params: dict[str, str]) -> None:
        if "poison" in params:
            raise MlflowException("a bug of the server", INTERNAL_ERROR)
        log_params(run, params)

    monkeypatch.setattr(Run, "log_params", failing)
    courier, poisoned, other = started(), opened(tmp_path, "poison"), opened(tmp_path, "other")
    poisoned.log_params({"poison": 1})
    courier.add(poisoned.folder)
    until(lambda: told)
    courier.add(other.folder)
    other.log_params({"a": 1})
    other.close("FINISHED", END)
    until(lambda: not other.folder.exists())
    assert store.client.get_run(the_run(store, "other")).data.params == {"a": "1"}
    assert told == ["tracking is away: a bug of the server"]
    assert pending_outboxes(tmp_path) == [poisoned.folder]


def test_what_is_refused_is_told_once_and_the_rest_delivered(
    store: TrackingStore, tmp_path: Path, told: list[str], started: Callable[..., Delivery]
) -> None:
    courier, outbox = started(), opened(tmp_path, "refusing")
    for value in (1, 2, 2):
        outbox.log_params({"a": value})
    outbox.close("FINISHED", END)
    courier.add(outbox.folder)
    assert courier.wait(SOON)
    assert len(told) == 1
    assert told[0].startswith("left out of refusing's run: ")
    assert store.client.get_run(the_run(store, "refusing")).info.status == "FINISHED"


@pytest.mark.parametrize(
    ("error", "n_calls", "line"),
    [
        (ConnectionError("database away"), 3, "tracking is away: database away"),
        (ValueError("trial has ended"), 1, "run {}: trial has ended"),
    ],
)
def test_who_hears_of_a_run_may_be_away_too_or_refuse(
    store: TrackingStore,
    tmp_path: Path,
    told: list[str],
    started: Callable[..., Delivery],
    error: Exception,
    n_calls: int,
    line: str,
) -> None:
    heard: list[str] = []

    def on_run(uid: str, run_id: str) -> None:
        heard.append(run_id)
        if len(heard) < 3:
            raise error

    uid = f"hears-{n_calls}"
    outbox = opened(tmp_path, uid)
    outbox.close("FINISHED", END)
    courier = started(on_run=on_run)
    courier.add(outbox.folder)
    assert courier.wait(SOON)
    assert heard == [the_run(store, uid)] * n_calls
    assert told == [line.format(heard[0])]


def test_an_outbox_that_another_process_delivers_is_left_to_it(
    tmp_path: Path, told: list[str], started: Callable[..., Delivery]
) -> None:
    courier, outbox = started(), opened(tmp_path, "theirs")
    outbox.close("FINISHED", END)
    with FileLock(f"{outbox.folder}.lock"):
        courier.add(outbox.folder)
        assert not courier.wait(0.5)
    assert courier.wait(SOON)
    assert told == []


def test_a_stopped_delivery_leaves_the_rest_for_the_next(
    store: TrackingStore, tmp_path: Path, started: Callable[..., Delivery]
) -> None:
    first, outbox = started(), opened(tmp_path, "next")
    first.add(outbox.folder)
    assert first.wait(SOON)
    first.stop()
    outbox.log_metrics({"m": 1.0}, step=1)
    outbox.close("FINISHED", END)
    assert not first.wait(0.3)
    second = started()
    for folder in pending_outboxes(tmp_path):
        second.add(folder)
    assert second.wait(SOON)
    assert history(store, the_run(store, "next"), "m") == [(1, "1.0")]


class Server:
    """A real `mlflow server` over one database, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.uri, self._folder = f"http://127.0.0.1:{self.port}", folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
        command += ["--port", str(self.port)]
        command += ["--backend-store-uri", f"sqlite:///{self._folder / 'server.db'}"]
        command += ["--artifacts-destination", str(self._folder / "served")]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + 120
        while not self._answers():
            assert time.monotonic() < end, (self._folder / "server.log").read_text()
            time.sleep(0.2)

    def kill(self) -> None:
        """Kills the server and its workers, which are in its session."""
        if self._process is not None:
            os.killpg(self._process.pid, 9)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.kill()


@pytest.mark.slow
def test_a_server_that_is_killed_and_comes_back_has_every_row(
    server: Server, tmp_path: Path, told: list[str]
) -> None:
    server.start()
    config = TrackingConfig(uri=server.uri, artifacts="mlflow-artifacts:/ours")
    courier, steps = Delivery(config, on_outage=told.append), range(1, 31)
    outbox = opened(tmp_path / "outbox", "outage")
    courier.add(outbox.folder)
    write_trial(outbox, tmp_path / "files")
    try:
        assert courier.wait(60)
        for step in steps:
            if step == 10:
                server.kill()
            outbox.log_evaluation(Evaluation(step, 0.0, {"m": step / 3}))
        outbox.log_text("late", "late.txt")
        outbox.close("FINISHED", END)
        until(lambda: told)
        assert not courier.wait(0.1)
        server.start()
        assert courier.wait(120)
    finally:
        courier.stop()
    store = delivery.open_store(config)
    run_id = the_run(store, "outage")
    assert history(store, run_id, "m") == [(step, str(step / 3)) for step in steps]
    assert known(store, run_id)["status"] == "FINISHED"
    files = {file.path for file in store.client.list_artifacts(run_id)}
    assert files == {"config.yaml", "curves.png", "late.txt", "validation"}
    assert len(told) == 1
    assert told[0].startswith("tracking is away: API request to http://127.0.0.1")
    assert pending_outboxes(tmp_path / "outbox") == []
