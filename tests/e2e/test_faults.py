"""What breaks a sweep in the field, done to real workers: killed between any two writes, stopped
past their lease, hung, out of memory, out of disk, out of a database."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import optuna
import psycopg
import pytest
from optuna.trial import FrozenTrial, TrialState

from finesweep.errors import REPLACE
from tests.disks import small_disk_at
from tests.e2e.conftest import PLAIN, Project, make_project
from tests.e2e.workers import Break, begin, begin_soon, code_of, work
from tests.postgresql import admit, cut_off, new_database
from tests.waiting import until

pytestmark = pytest.mark.slow
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
ONCE = "training.evaluations_per_epoch=1"
SHORT = ("sweep.n_trials=1", "training.epochs=1", ONCE, "storage.checkpoint_minutes=0.005")
LONG = ("sweep.n_trials=1", "training.epochs=6", ONCE, "storage.checkpoint_minutes=0.01")
STORES = ("optuna.db", "mlflow.db")
QUICK_LEASE = "sweep.lease_seconds=2"
NO_BASELINE = "sweep.baseline=false"


def log_of(project: Project) -> str:
    log = project.folder / "worker.log"
    return log.read_text() if log.exists() else ""


def until_one_runs(project: Project) -> FrozenTrial:
    """A trial that has committed a checkpoint."""
    found: list[FrozenTrial] = []

    def running() -> list[FrozenTrial]:
        states = [t for t in project.trials() if t.state == TrialState.RUNNING]
        found[:] = [t for t in states if t.user_attrs.get("committed")]
        return found

    until(running)
    return found[0]


def stop_between_writes(project: Project, pid: int) -> None:
    """Stops a process where it holds no lock: with one, nobody else could write until it wakes."""

    def stopped() -> bool:
        os.kill(pid, signal.SIGSTOP)
        if all(_takes_writes(project.folder / "mlruns" / name) for name in STORES):
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    until(stopped)


def _takes_writes(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=0.2)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.rollback()
    return True


def assert_converged(project: Project, n_slots: int, *, has_baseline: bool = False) -> None:
    trials = project.trials()
    done = Counter(t.user_attrs["slot"] for t in trials if t.state in FINISHED)
    assert done == dict.fromkeys(range(n_slots), 1)
    assert not [t for t in trials if t.state in (TrialState.RUNNING, TrialState.WAITING)]
    runs = project.client.search_runs(["1"])
    kinds = Counter(run.data.tags["finesweep.kind"] for run in runs)
    assert (kinds["sweep"], kinds["baseline"]) == (1, has_baseline)
    numbers = Counter(
        run.data.tags["finesweep.trial_number"]
        for run in runs
        if run.data.tags["finesweep.kind"] == "trial"
    )
    assert set(numbers.values()) == {1}
    assert not [run for run in runs if run.info.status == "RUNNING"]
    (version,) = project.client.search_model_versions("name='small-model'")
    named = project.client.get_model_version_by_alias("small-model", "challenger")
    assert named.version == version.version
    for database in STORES:
        with sqlite3.connect(project.folder / "mlruns" / database) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
    assert "Traceback" not in log_of(project), log_of(project)


IN_A_TRIAL: list[Break] = [
    ("finesweep.sweep.worker.loop", "claim", "after"),
    ("finesweep.sweep.study.reconcile", "fail", "after"),
    ("finesweep.sweep.worker.attempt", "Attempt._report", "before"),
    ("finesweep.sweep.worker.attempt", "Attempt._report", "after"),
    ("finesweep.disk", "_described", "before"),
    ("finesweep.disk", "_sync", "before"),
    ("finesweep.sweep.worker.checkpoints", "SlotCheckpoints.save_model", "after"),
    ("finesweep.sweep.worker.loop", "WorkerLoop._tell", "before"),
    ("finesweep.sweep.worker.loop", "WorkerLoop._tell", "after"),
    ("finesweep.sweep.worker.loop", "close_run", "after"),
    ("finesweep.sweep.worker.phases", "keep_weights", "after"),
]
AT_THE_END: list[Break] = [
    ("finesweep.sweep.selection.final_evaluation", "evaluate_on_test", "after"),
    ("finesweep.sweep.selection.registration", "evaluate_winner", "after"),
    ("mlflow", "MlflowClient.create_model_version", "after"),
    ("finesweep.sweep.selection.registration", "register", "after"),
]


def test_workers_that_are_killed_between_any_two_writes_leave_a_sweep_that_the_next_one_ends(
    project: Project,
) -> None:
    begin(project, *SHORT, "sweep.n_trials=3", "sweep.pruner.n_startup_trials=9")
    for broken in (*IN_A_TRIAL, *AT_THE_END):
        assert code_of(work(project, broken=broken)) == -signal.SIGKILL, (broken, log_of(project))
    assert code_of(work(project)) == 0, log_of(project)
    assert_converged(project, 3, has_baseline=True)


def test_a_worker_stopped_past_its_lease_is_fenced_when_it_wakes(project: Project) -> None:
    begin(project, *LONG, QUICK_LEASE, NO_BASELINE)
    zombie = work(project)
    assert zombie.pid is not None
    stolen = until_one_runs(project)
    stop_between_writes(project, zombie.pid)
    time.sleep(3)
    assert code_of(work(project)) == 0, log_of(project)
    os.kill(zombie.pid, signal.SIGCONT)
    assert code_of(zombie) == 0, log_of(project)
    assert f"trial {stolen.number} was taken over by another worker" in log_of(project)
    assert project.trials()[stolen.number].user_attrs["reason"] == "killed"
    assert_converged(project, 1)


def test_a_hung_worker_leaves_with_75_and_its_slot_is_tried_again(project: Project) -> None:
    begin(project, *SHORT, "sweep.hang_seconds=2", NO_BASELINE)
    hung = work(project, broken=("finesweep.sweep.worker.attempt", "Attempt._report", "hang"))
    assert code_of(hung) == 75
    assert "no progress for sweep.hang_seconds" in log_of(project)
    assert code_of(work(project)) == 0, log_of(project)
    assert_converged(project, 1)


def test_a_trial_without_memory_is_tried_once_more_at_half_the_batch_and_spares_the_others(
    project: Project,
) -> None:
    words = [f"word{number}" for number in range(50)]
    texts = [f"{' '.join(random.Random(n).choices(words, k=60))},{n % 2}" for n in range(800)]
    (project.folder / "long.csv").write_text("\n".join(["text,label", *texts]))
    enqueued = (f"{{model:tiny,training.batch_size:{size}}}" for size in (512, 16))
    long = ("dataset.path=long.csv", "dataset.max_length=60", "training.epochs=1")
    sizes = ("training.batch_size=choice(16,512)", f"sweep.enqueue=[{','.join(enqueued)}]")
    begin(project, "sweep.n_trials=2", *sizes, *long, *PLAIN)
    starved = ("finesweep.training.trainer", "ResumableTrainer.training_step", "starve")
    # oneDNN may be what found no memory, and then a worker leaves.
    while (code := code_of(work(project, broken=starved))) == REPLACE:
        pass
    assert code == 0, log_of(project)
    found = [(t.user_attrs["slot"], t.state.name) for t in project.trials()]
    assert sorted(found) == [(0, "FAIL"), (0, "FAIL"), (1, "COMPLETE")]
    kinds = {t.user_attrs["failure"] for t in project.trials() if t.state == TrialState.FAIL}
    assert kinds == {"out_of_memory"}


def test_a_worker_that_can_compute_nothing_any_more_leaves_with_75(project: Project) -> None:
    begin(project, *SHORT, *PLAIN)
    broken = ("finesweep.training.trainer", "ResumableTrainer.training_step", "exhaust")
    assert code_of(work(project, broken=broken)) == REPLACE
    assert "a new one can: RuntimeError: could not create a primitive" in log_of(project)
    (failed,) = project.trials()
    assert failed.user_attrs["failure"] == "out_of_memory"
    assert code_of(work(project)) == 0, log_of(project)
    assert [trial.state.name for trial in project.trials()] == ["FAIL", "COMPLETE"]


@pytest.fixture
def small_disk(new_project: Project) -> Iterator[Path]:
    """The project's mlruns as a file system of 640 MiB."""
    with small_disk_at(new_project.folder / "mlruns", "640m") as folder:
        yield folder


def test_a_disk_that_is_full_under_everything_is_waited_for(
    new_project: Project, small_disk: Path
) -> None:
    begin(new_project, *LONG, NO_BASELINE)
    worker = work(new_project)
    until_one_runs(new_project)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for page in (1024**2, 4096):
            with suppress(OSError):
                while file.write(bytes(page)):
                    pass
    until(lambda: "waiting" in log_of(new_project))
    time.sleep(3)
    assert worker.poll() is None, log_of(new_project)
    ballast.unlink()
    assert code_of(worker) == 0, log_of(new_project)
    assert not [t for t in new_project.trials() if t.state == TrialState.FAIL]
    assert_converged(new_project, 1)


@pytest.fixture
def postgresql(project: Project) -> Iterator[tuple[str, str]]:
    """URLs of two databases, in which the project keeps its studies and its runs."""
    with new_database() as storage, new_database() as tracking:
        yield storage, tracking


def test_postgresql_may_be_away_for_longer_than_a_lease_while_workers_work(
    project: Project, postgresql: tuple[str, str]
) -> None:
    storage, tracking = postgresql
    own = (f"storage.url={storage}", f"tracking.uri={tracking}")
    overrides = ("training.epochs=4", "sweep.n_trials=2", "sweep.pruner.n_startup_trials=9", *PLAIN)
    sweep = project.start("sweep", "small", "workers=2", QUICK_LEASE, *overrides, *own)
    until(lambda: count(storage, "trial_intermediate_values"))
    for url in postgresql:
        cut_off(url)
    late = project.start("work", "small", "--attached", *own)  # as a coordinator starts them
    time.sleep(5)  # more than two leases
    assert sweep.poll() is None, sweep.communicate()
    assert late.stdout is not None
    assert late.stdout.readline().startswith("waiting for the storage: "), late.communicate()
    for url in postgresql:
        admit(url)
    printed, errors = sweep.communicate(timeout=600)
    assert sweep.returncode == 0, errors
    assert "the storage is unreachable; workers are waiting for it" in printed
    _, mistakes = late.communicate(timeout=60)
    assert late.returncode == 0, mistakes
    assert "Traceback" not in errors
    status = json.loads(project.finesweep("status", "small", "--json", *own).stdout)
    assert status["counts"]["complete"] == 2, printed
    assert status["interrupted_attempts"] == 0, printed
    # The sweep and two trials.
    assert count(tracking, "runs WHERE status = 'FINISHED'") == count(tracking, "runs") == 3


def count(url: str, rows: str) -> int:
    """SELECT count(*) FROM rows; 0 while the table is not made."""
    with suppress(psycopg.errors.UndefinedTable), psycopg.connect(url) as connection:
        answer = connection.execute(f"SELECT count(*) FROM {rows}".encode()).fetchone()
        assert answer is not None
        return int(answer[0])
    return 0


def test_double_starts_in_empty_folders_make_one_study_and_one_parent_each(
    tmp_path: Path, tiny_bert: Path, texts_csv: Path
) -> None:
    for turn in range(2):
        project = make_project(tmp_path / str(turn), model=tiny_bert, texts=texts_csv)
        both = [begin_soon(project, *SHORT, NO_BASELINE) for _ in range(2)]
        assert [code_of(each) for each in both] == [0, 0], log_of(project)
        study = optuna.load_study(study_name="small", storage=project.storage_url)
        (parent,) = project.client.search_runs(["1"])
        assert parent.info.run_id == study.user_attrs["parent_run_id"]
    assert code_of(work(project)) == 0, log_of(project)
    assert_converged(project, 1)
