"""An outbox becomes the same run as direct logging, whatever is killed in between."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock, Timeout
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from tests.unit.tracking.openers import append_for_ever, deliver_until, fork_server
from tests.unit.tracking.outboxes import END, TAGS, history, known, opened, write_trial

from finesweep.tracking import (
    Run,
    TrackingStore,
    close_outbox,
    deliver,
    find_runs,
    is_delivered,
    pending_outboxes,
    start_run,
)
from finesweep.tracking.replay import PROGRESS


@pytest.fixture(scope="module")
def direct(store: TrackingStore, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """MLflow's data of a trial logged without an outbox."""
    run = start_run(store, name="3 minilm", tags=TAGS)
    write_trial(run, tmp_path_factory.mktemp("direct") / "files")
    run.set_tags(END)
    run.finish("FINISHED")
    return known(store, run.run_id)


def runs_of(store: TrackingStore, uid: str) -> list[str]:
    return [run.run_id for run in find_runs(store, {"finesweep.uid": uid})]


def test_a_replayed_run_equals_a_directly_logged_one(
    store: TrackingStore, tmp_path: Path, direct: dict[str, Any]
) -> None:
    outbox = opened(tmp_path, "equal")
    write_trial(outbox, tmp_path / "files")
    outbox.close("FINISHED", END)
    assert known(store, deliver(outbox.folder, store)) == direct
    assert direct["status"] == "FINISHED"
    assert direct["history"]["validation/loss"] == [
        (40, "0.75"),
        (80, "0.30000000000000004"),
        (120, "nan"),
        (120, "0.5"),
    ]
    assert set(direct["files"]) == {"config.yaml", "curves.png", "validation/errors.json"}


def test_a_run_keeps_the_times_at_which_it_was_logged(store: TrackingStore, tmp_path: Path) -> None:
    before = int(time.time() * 1000)
    outbox = opened(tmp_path, "times", parent="a-parent")
    for step in (1, 2, 3):
        outbox.log_metrics({"m": 1.0}, step=step)
    outbox.log_metrics({"given": 1.0}, step=1, time_ms=12345)
    outbox.close("KILLED", {}, before + 7_000)
    after = int(time.time() * 1000)
    time.sleep(0.1)
    run = store.client.get_run(deliver(outbox.folder, store))
    assert before <= run.info.start_time <= after
    assert (run.info.end_time, run.info.status) == (before + 7_000, "KILLED")
    times = [row.timestamp for row in store.client.get_metric_history(run.info.run_id, "m")]
    assert before <= times[0] < times[1] < times[2] <= after + 3
    (given,) = store.client.get_metric_history(run.info.run_id, "given")
    assert given.timestamp == 12345
    assert run.data.tags["mlflow.parentRunId"] == "a-parent"
    assert run.data.tags["mlflow.user"]


def test_an_outbox_is_delivered_as_it_grows(store: TrackingStore, tmp_path: Path) -> None:
    outbox, told = opened(tmp_path, "grows"), []
    assert not is_delivered(outbox.folder)
    for step in (1, 2, 3):
        outbox.log_metrics({"m": step}, step=step)
        assert not is_delivered(outbox.folder)
        run_id = deliver(outbox.folder, store, on_run=lambda *ids: told.append(ids))
        assert is_delivered(outbox.folder)
        assert len(history(store, run_id, "m")) == step
    assert told == [("grows", run_id)] * 3
    assert store.client.get_run(run_id).info.status == "RUNNING"
    outbox.close("FINISHED", {})
    assert not is_delivered(outbox.folder)
    assert deliver(outbox.folder, store) == run_id
    assert store.client.get_run(run_id).info.status == "FINISHED"


def test_what_is_delivered_and_gone_is_delivered(store: TrackingStore, tmp_path: Path) -> None:
    outbox = opened(tmp_path, "gone")
    outbox.close("FINISHED", {})
    deliver(outbox.folder, store)
    assert list((tmp_path / "worker").iterdir()) == []
    assert is_delivered(outbox.folder)
    with pytest.raises(FileNotFoundError, match="gone is delivered and removed"):
        deliver(outbox.folder, store)
    with pytest.raises(FileNotFoundError):  # its trial was released, and wakes up
        outbox.log_metrics({"m": 1.0}, step=1)
    with pytest.raises(FileNotFoundError):
        outbox.log_text("a", "a.txt")
    assert list((tmp_path / "worker").iterdir()) == []


def test_a_repeated_delivery_leaves_one_run_and_no_double_rows(
    store: TrackingStore, tmp_path: Path, direct: dict[str, Any]
) -> None:
    outbox = opened(tmp_path, "twice")
    write_trial(outbox, tmp_path / "files")
    first = deliver(outbox.folder, store)
    (outbox.folder / PROGRESS).unlink()
    assert deliver(outbox.folder, store) == first
    (outbox.folder / PROGRESS).unlink()
    outbox.close("FINISHED", END)
    assert deliver(outbox.folder, store) == first
    assert runs_of(store, "twice") == [first]
    assert known(store, first) == direct


def test_a_run_that_was_created_twice_is_one_in_the_end(
    store: TrackingStore, tmp_path: Path
) -> None:
    made = {start_run(store, name="x", tags={"finesweep.uid": "doubled"}).run_id for _ in range(2)}
    outbox = opened(tmp_path, "doubled")
    outbox.close("FINISHED", END)
    kept = deliver(outbox.folder, store)
    assert kept in made
    assert runs_of(store, "doubled") == [kept]


def test_a_torn_last_line_is_ignored(store: TrackingStore, tmp_path: Path) -> None:
    outbox = opened(tmp_path, "torn")
    outbox.log_metrics({"m": 1.0}, step=1)
    with (outbox.folder / "journal.jsonl").open("a") as journal:
        journal.write('{"metrics": {"m": 2.0}, "st')
    refused: list[str] = []
    run_id = deliver(outbox.folder, store, on_refused=refused.append)
    assert is_delivered(outbox.folder)
    close_outbox(outbox.folder, "FAILED", {"finesweep.reason": "killed"})
    assert deliver(outbox.folder, store, on_refused=refused.append) == run_id
    assert (history(store, run_id, "m"), refused) == ([(1, "1.0")], [])
    assert store.client.get_run(run_id).data.tags["finesweep.reason"] == "killed"


class _Late(io.FileIO):
    """A file that is appended to just after a reader has come to its end."""

    rest = b""

    def readinto(self, buffer: Any) -> int | None:
        n_read = super().readinto(buffer)
        if not n_read and self.rest:
            with Path(os.fsdecode(self.name)).open("ab") as journal:
                journal.write(self.rest)
            self.rest = b""
        return n_read


def test_a_line_whose_end_comes_late_is_delivered_by_the_next_call(
    store: TrackingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = opened(tmp_path, "late")
    outbox.log_metrics({"m": 1.0}, step=1)
    outbox.log_metrics({"m": 2.0}, step=2)
    journal = outbox.folder / "journal.jsonl"
    content = journal.read_bytes()
    journal.write_bytes(content[:-20])
    late, open_path, refused = _Late(journal), Path.open, list[str]()
    late.rest = content[-20:]
    with monkeypatch.context() as patched:
        patched.setattr(
            Path,
            "open",
            lambda path, mode="r", *rest, **options: (
                io.BufferedReader(late)
                if (path, mode) == (journal, "rb")
                else open_path(path, mode, *rest, **options)
            ),
        )
        deliver(outbox.folder, store, on_refused=refused.append)
    assert late.rest == b""
    run_id = deliver(outbox.folder, store, on_refused=refused.append)
    assert (history(store, run_id, "m"), refused) == ([(1, "1.0"), (2, "2.0")], [])


def test_a_line_that_the_disk_has_no_room_for_leaves_nothing_behind(
    store: TrackingStore, tmp_path: Path
) -> None:
    outbox = opened(tmp_path, "full")
    outbox.log_metrics({"m": 1.0}, step=1)
    size = (outbox.folder / "journal.jsonl").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, limits[1]))
    try:
        with pytest.raises(OSError, match="No space left"):
            outbox.log_metrics({"m": 2.0}, step=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    outbox.log_metrics({"m": 3.0}, step=3)
    run_id = deliver(outbox.folder, store)
    assert history(store, run_id, "m") == [(1, "1.0"), (3, "3.0")]


def test_the_first_end_counts_and_nothing_comes_after_it(
    store: TrackingStore, tmp_path: Path
) -> None:
    outbox = opened(tmp_path, "ended")
    close_outbox(outbox.folder, "FAILED", {"finesweep.reason": "killed"})
    outbox.close("FINISHED", {"finesweep.reason": "none"})
    with pytest.raises(ValueError, match="ended is closed: its trial has ended"):
        outbox.log_metrics({"m": 1.0}, step=1)
    run = store.client.get_run(deliver(outbox.folder, store))
    assert (run.info.status, run.data.tags["finesweep.reason"]) == ("FAILED", "killed")


def test_an_outbox_is_not_opened_over_another(tmp_path: Path) -> None:
    opened(tmp_path, "same").log_metrics({"m": 1.0}, step=1)
    with pytest.raises(OSError, match=r"not empty|exists"):
        opened(tmp_path, "same")
    assert (tmp_path / "worker" / "same" / "journal.jsonl").stat().st_size > 0


def test_outboxes_are_pending_until_they_are_gone_oldest_first(
    store: TrackingStore, tmp_path: Path
) -> None:
    assert pending_outboxes(tmp_path / "nowhere") == []
    folders = [opened(tmp_path, uid).folder for uid in ("pending-b", "pending-a", "pending-c")]
    for start, folder in enumerate(folders):
        header = json.loads((folder / "header.json").read_text())
        (folder / "header.json").write_text(json.dumps(header | {"start_time_ms": start + 1}))
    (tmp_path / "worker" / ".half.1.new").mkdir()
    (tmp_path / "worker" / "empty").mkdir()
    assert pending_outboxes(tmp_path) == folders
    close_outbox(folders[1], "FINISHED", {})
    deliver(folders[1], store)
    assert pending_outboxes(tmp_path) == [folders[0], folders[2]]


def test_what_the_store_refuses_is_left_out_and_told(store: TrackingStore, tmp_path: Path) -> None:
    outbox, refused = opened(tmp_path, "refused"), []
    outbox.log_params({"a": 1})
    outbox.log_params({"a": 2})
    outbox.log_text("text", "a.txt")
    (outbox.folder / "files" / "0001" / "a.txt").unlink()
    (outbox.folder / "files" / "0001").rmdir()
    outbox.log_metrics({"m": 1.0}, step=1)
    outbox.close("FINISHED", END)
    run_id = deliver(outbox.folder, store, on_refused=refused.append)
    assert [line.split(": ")[0] for line in refused] == ["left out of refused's run"] * 2
    assert "Changing param values is not allowed" in refused[0]
    assert "0001 is missing" in refused[1]
    assert history(store, run_id, "m") == [(1, "1.0")]
    assert store.client.get_run(run_id).data.params == {"a": "1"}


def test_a_line_refused_by_a_collision_is_tried_again(
    store: TrackingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox, log_input, n_calls, refused = opened(tmp_path, "again"), Run.log_input, [], []

    def colliding(run: Run, fields: dict[str, str]) -> None:
        n_calls.append(1)
        if len(n_calls) == 1:
            raise MlflowException("UNIQUE constraint failed: datasets", BAD_REQUEST)
        log_input(run, fields)

    write_trial(outbox, tmp_path / "files")
    monkeypatch.setattr(Run, "log_input", colliding)
    run_id = deliver(outbox.folder, store, on_refused=refused.append)
    assert (len(n_calls), refused) == (2, [])
    assert len(store.client.get_run(run_id).inputs.dataset_inputs) == 1


def test_one_process_at_a_time_delivers_an_outbox(store: TrackingStore, tmp_path: Path) -> None:
    folder = opened(tmp_path, "held").folder
    with FileLock(f"{folder}.lock"), pytest.raises(Timeout):
        deliver(folder, store)
    assert runs_of(store, "held") == []
    assert [deliver(folder, store)] == runs_of(store, "held")


@pytest.mark.slow
def test_a_trial_killed_while_it_logs_loses_nothing_that_was_logged(
    store: TrackingStore, tmp_path: Path
) -> None:
    server = fork_server()
    for kill in range(6):
        folder = opened(tmp_path, f"killed-{kill}").folder
        heard, said = server.Pipe(duplex=False)
        trial = server.Process(target=append_for_ever, args=(str(folder), said))
        trial.start()
        said.close()
        until = 20 + 7 * kill
        while heard.recv() < until:
            pass
        os.kill(trial.pid, signal.SIGKILL)
        trial.join()
        last = until
        try:
            while True:
                last = heard.recv()
        except EOFError:
            heard.close()
        close_outbox(folder, "FAILED", {})
        rows = history(store, deliver(folder, store), "m")
        assert [step for step, _ in rows[:last]] == list(range(1, last + 1))
        assert len(rows) in (last, last + 1)  # logged, and killed before it could say so


@pytest.mark.slow
def test_a_delivery_killed_anywhere_leads_to_the_same_run(
    store: TrackingStore, tmp_path: Path, direct: dict[str, Any]
) -> None:
    codes, server = [], fork_server()
    for event in range(1, 1000, 5):
        uid = f"cut-{event}"
        outbox = opened(tmp_path / uid, uid)
        write_trial(outbox, tmp_path / uid / "files")
        outbox.close("FINISHED", END)
        cut = server.Process(target=deliver_until, args=(event, str(outbox.folder), store.uri))
        cut.start()
        cut.join()
        codes.append(cut.exitcode)
        for folder in pending_outboxes(tmp_path / uid):
            deliver(folder, store)
        (run_id,) = runs_of(store, uid)
        assert known(store, run_id) == direct, event
        assert pending_outboxes(tmp_path / uid) == []
        if cut.exitcode == 0:
            break
    assert set(codes[:-1]) == {9}
    assert len(codes) > 10
