"""A sweep of several workers under random SIGKILLs, and whether every slot finished exactly once.

python benchmarks/chaos.py [--kills 30] [--seed N] [--storage sqlite|postgresql] [--slots 40]
    [--workers 4] [--warm]

Kills workers and now and then the coordinator, which is started again whenever it is gone. Exits
with 0 when all checks that it prints hold, else with 1, and then keeps its folder. --warm forks
coordinators from one process that has imported all, as they fork their workers.
PostgreSQL is the one at 127.0.0.1:5432; its two databases are dropped at the end.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path.append(str(Path(__file__).parents[1]))
from tests import warm
from tests.tiny_bert import tiny_bert
from tests.warm import Command, forked

OWN = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "100"}
NOT_OURS = ("FINESWEEP_STORAGE_URL", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID")
SERVER = "postgresql://postgres@127.0.0.1:5432"
SWEEP = """\
# @package sweep
# Short trials for many kills   finesweep sweep chaos workers=4
n_trials: {n_slots}
lease_seconds: 10
sampler: {{_target_: optuna.samplers.TPESampler, seed: 1}}
pruner: {{_target_: optuna.pruners.MedianPruner, n_startup_trials: 8, n_warmup_steps: 60}}
enqueue:
  - {{training.learning_rate: 0.01}}
params:
  dataset: local
  dataset.path: {texts}
  dataset.max_length: 16
  model: tiny
  training.epochs: range({epochs[0]}, {epochs[1]})
  training.batch_size: 16
  training.evaluations_per_epoch: 1
  training.learning_rate: tag(log, interval(1e-4, 0.02))
register: {{name: chaos-model, alias: challenger}}
report: false
"""
WORDS = {
    "good": ["lovely", "great", "superb"],
    "bad": ["awful", "dull", "dreadful"],
    "plain": ["table", "window", "paper"],
}
MAX_OWN_FAILURES = 3
"""Coordinators that end with an error of their own before the benchmark gives up."""


@dataclass
class Chaos:
    """The project's folder, where it stores, and what was done to it."""

    folder: Path
    storage: str
    tracking: str
    n_slots: int
    n_workers: int
    is_warm: bool
    kills: Counter[str] = field(default_factory=Counter)
    at_work: int = 0
    """Kills of workers that held a trial."""
    codes: list[int] = field(default_factory=list)
    """Exit codes of coordinators that were not killed."""

    def start(self) -> psutil.Popen | Command:
        command = [sys.executable, "-m", "finesweep", "sweep", "chaos", *self.overrides]
        path = self.folder / "coordinator.log"
        given = {name: value for name, value in os.environ.items() if name not in NOT_OURS} | OWN
        if self.is_warm:
            return forked(command, environment=given, folder=self.folder, log=path)
        with path.open("ab") as log:
            return psutil.Popen(
                command, cwd=self.folder, env=given, stdout=log, stderr=subprocess.STDOUT
            )

    @property
    def overrides(self) -> list[str]:
        return [
            f"workers={self.n_workers}",
            "storage.checkpoint_minutes=0.02",
            f"storage.url='{self.storage}'",
            f"tracking.uri='{self.tracking}'",
        ]

    def workers(self) -> list[psutil.Process]:
        """Live workers of this folder, also those whose coordinator is gone."""
        return [each for each in psutil.process_iter() if self._is_worker(each)]

    def _is_worker(self, process: psutil.Process) -> bool:
        try:
            words = process.name(), *process.cmdline()  # a fork's command line is its template's
            ours = {"work", "finesweep work"} & set(words) and Path(process.cwd()) == self.folder
            return bool(ours) and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


def make_project(folder: Path, *, n_slots: int, epochs: tuple[int, int]) -> None:
    """A tiny random BERT, 240 texts in three classes, and sweeps/chaos.yaml."""
    (folder / "conf" / "model").mkdir(parents=True)
    (folder / "sweeps").mkdir()
    tiny_bert(folder / "bert")
    (folder / "conf" / "model" / "tiny.yaml").write_text(f"name_or_path: {folder / 'bert'}\n")
    texts = folder / "texts.csv"
    texts.write_text("\n".join(["text,label", *_texts()]), encoding="utf-8")
    sweep = SWEEP.format(texts=texts, n_slots=n_slots, epochs=epochs)
    (folder / "sweeps" / "chaos.yaml").write_text(sweep)


def _texts() -> Iterator[str]:
    drawn = random.Random(0)
    for index in range(240):
        label = list(WORDS)[index % len(WORDS)]
        yield f"{' '.join(drawn.choices(WORDS[label], k=4))} n{index},{label}"


def rage(chaos: Chaos, *, n_kills: int, drawn: random.Random, pause: tuple[float, float]) -> None:
    """Kills until n_kills are spent or all slots are finished, then lets the sweep end."""
    coordinator = chaos.start()
    while True:
        due = time.monotonic() + drawn.uniform(*pause)
        while time.monotonic() < due:
            if (code := coordinator.poll()) is not None:
                chaos.codes.append(code)
                if code == 0 or sum(c != 0 for c in chaos.codes) > MAX_OWN_FAILURES:
                    return
                coordinator = chaos.start()
            time.sleep(0.1)
        if sum(chaos.kills.values()) < n_kills and _kill_one(chaos, coordinator, drawn):
            coordinator.wait()
            coordinator = chaos.start()


def _kill_one(chaos: Chaos, coordinator: psutil.Popen | Command, drawn: random.Random) -> bool:
    """Whether the coordinator was it. Nobody is killed once every slot is finished."""
    holders = _holders(chaos)
    if holders is None:
        return False
    if not (workers := chaos.workers()):
        return False
    weights = [12.0 if each.pid in holders else 1.0 for each in workers]
    victim = drawn.choices([coordinator, *workers], [0.2 * sum(weights), *weights])[0]
    with suppress(psutil.NoSuchProcess):
        victim.kill()
        kind = "coordinator" if victim is coordinator else "worker"
        chaos.kills[kind] += 1
        chaos.at_work += victim.pid in holders
        n_done = sum(chaos.kills.values())
        print(f"kill {n_done}: {kind} {victim.pid}, {len(workers)} workers up", flush=True)
    return victim is coordinator


def _holders(chaos: Chaos) -> set[int] | None:
    """Process ids of workers that hold a trial; None while there is nothing to disturb."""
    from finesweep.errors import ConfigError
    from finesweep.sweep.study.slots import is_budget_spent
    from finesweep.sweep.study.study import find_study
    from finesweep.sweep.study.workers import live_workers

    try:
        study = find_study("chaos", chaos.storage)
    except ConfigError:  # the first coordinator has not come so far
        return set()
    if is_budget_spent(study):
        return None
    return {row.pid for row in live_workers(study) if row.trial is not None}


def outcome(chaos: Chaos, *, n_kills: int) -> list[tuple[str, object, bool]]:
    """What is checked: its name, what was found, whether that is as it must be."""
    from optuna.trial import TrialState

    from finesweep.sweep.study.keys import FAILURE, SLOT
    from finesweep.sweep.study.slots import DUPLICATE
    from finesweep.sweep.study.study import find_study

    trials = find_study("chaos", chaos.storage).get_trials(deepcopy=False)
    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    done = Counter(t.user_attrs[SLOT] for t in trials if t.state in ended)
    states = Counter(t.state.name for t in trials)
    attempts = [t for t in trials if t.user_attrs.get(FAILURE) != DUPLICATE]
    once = sum(n == 1 for n in done.values())
    left = states["RUNNING"] + states["WAITING"]
    kills = f"{chaos.kills['worker']} workers ({chaos.at_work} held a trial), "
    kills += f"{chaos.kills['coordinator']} coordinators"
    numbers = [t.number for t in trials if t.state in ended]
    return [
        ("kills", kills, sum(chaos.kills.values()) >= n_kills),
        (
            "slots finished exactly once",
            f"{once} of {chaos.n_slots}",
            once == len(done) == chaos.n_slots,
        ),
        ("trials by state", dict(states), True),
        ("trials left RUNNING or WAITING", left, left == 0),
        ("attempts in all", len(attempts), True),
        ("duplicates dropped", len(trials) - len(attempts), True),
        *_runs(chaos, numbers),
        *_integrity(chaos),
        ("coordinators that failed by themselves", _own(chaos), not _own(chaos)),
        ("tracebacks in logs", _tracebacks(chaos.folder), True),
    ]


def _runs(chaos: Chaos, numbers: list[int]) -> Iterator[tuple[str, object, bool]]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=chaos.tracking)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(ids, max_results=5000)
    states = Counter(run.info.status for run in runs)
    ended = Counter(
        run.data.tags["finesweep.trial_number"]
        for run in runs
        if int(run.data.tags.get("finesweep.trial_number", -1)) in numbers
    )
    once = sum(n == 1 for n in ended.values())
    yield "MLflow runs by status", dict(states), True
    yield "MLflow runs left RUNNING", states["RUNNING"], states["RUNNING"] == 0
    yield (
        "finished trials with one run",
        f"{once} of {chaos.n_slots}",
        once == len(ended) == chaos.n_slots,
    )
    parents = [run for run in runs if run.data.tags.get("finesweep.kind") == "sweep"]
    yield "sweep's own runs", len(parents), len(parents) == 1


def _integrity(chaos: Chaos) -> Iterator[tuple[str, object, bool]]:
    for name, url in (("optuna", chaos.storage), ("mlflow", chaos.tracking)):
        if url.startswith("sqlite:///"):
            database = sqlite3.connect(url.removeprefix("sqlite:///"))
            found = database.execute("PRAGMA integrity_check").fetchone()[0]
            yield f"integrity_check of {name}", found, found == "ok"


def _own(chaos: Chaos) -> list[int]:
    return [code for code in chaos.codes if code != 0]


def _tracebacks(folder: Path) -> int:
    logs = [folder / "coordinator.log", *folder.glob("mlruns/logs/chaos/*.log")]
    return sum(log.read_text(errors="replace").count("Traceback (most") for log in logs)


@contextmanager
def _places(storage: str, folder: Path) -> Iterator[tuple[str, str]]:
    """URLs of the storage and of the tracking; PostgreSQL's databases are gone afterwards."""
    if storage == "sqlite":
        runs = folder / "mlruns"
        yield f"sqlite:///{runs / 'optuna.db'}", f"sqlite:///{runs / 'mlflow.db'}"
        return
    names = [f"finesweep_chaos_{os.getpid()}_{kind}" for kind in ("storage", "tracking")]
    _postgres(*(f'CREATE DATABASE "{name}"' for name in names))
    try:
        yield f"{SERVER}/{names[0]}", f"{SERVER}/{names[1]}"
    finally:
        _postgres(*(f'DROP DATABASE "{name}" WITH (FORCE)' for name in names))


def _postgres(*statements: str) -> None:
    import psycopg

    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def main(arguments: Sequence[str] | None = None) -> int:
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("--kills", type=int, default=30)
    cli.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    cli.add_argument("--storage", choices=["sqlite", "postgresql"], default="sqlite")
    cli.add_argument("--slots", type=int, default=40)
    cli.add_argument("--workers", type=int, default=4)
    cli.add_argument("--pause", type=float, nargs=2, default=(2.0, 5.0), metavar="SECONDS")
    cli.add_argument("--epochs", type=int, nargs=2, default=(20, 30), metavar="N")
    cli.add_argument("--warm", action="store_true")
    given = cli.parse_args(arguments)
    print(f"seed {given.seed}, {given.kills} kills, {given.storage}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="finesweep-chaos-")).resolve()
    make_project(folder, n_slots=given.slots, epochs=tuple(given.epochs))
    with _places(given.storage, folder) as (storage, tracking):
        chaos = Chaos(folder, storage, tracking, given.slots, given.workers, given.warm)
        began = time.monotonic()
        try:
            drawn = random.Random(given.seed)
            rage(chaos, n_kills=given.kills, drawn=drawn, pause=tuple(given.pause))
            chaos.codes.append(chaos.start().wait())  # once more: it must find all done
            seconds = time.monotonic() - began
            checks = outcome(chaos, n_kills=given.kills)
        finally:
            for worker in chaos.workers():
                worker.kill()
    for name, found, holds in checks:
        print(f"{'ok ' if holds else 'BAD'} {name:<40}{found}")
    print(f"{seconds:.0f} s")
    if not all(holds for _, _, holds in checks):
        print(f"kept {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        warm.close()
