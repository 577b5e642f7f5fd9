"""All peers on one data set with one seed, one after another, each in a process of its own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from target.peers import TPE
from target.results import Results
from target.rows import link_models, read_data, write_models, write_rows
from target.task import Task

HERE = Path(__file__).parents[1]
SCRIPT = HERE / "time_to_target.py"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
QUIET = {
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
}


@dataclass(frozen=True)
class Race:
    """One data set and seed, and what is known of them so far."""

    source: str
    """A folder, or a choice of the group `dataset`."""
    seed: int
    results: Results
    overrides: Mapping[str, str]
    """finesweep's peers → their overrides on this set."""
    files: Path | None
    """Has a folder for each set with finesweep's own files on it, or none."""
    full: bool
    """Whether a peer goes on after the target."""

    @property
    def dataset(self) -> str:
        return name_of(self.source)

    def run(self, peers: Sequence[str], work: Path) -> int:
        """Runs the peers that the results lack, TPE first; returns how many failed.

        The peers' order is turned round with each seed, so that no peer always runs last.
        """
        turned = list(peers if self.seed % 2 == 0 else reversed(peers))
        order = [TPE, *(peer for peer in turned if peer != TPE)]
        left = [peer for peer in order if not self._holds(peer)]
        if not left:
            return 0
        folder = work / f"{self.dataset}-{self.seed}"
        chance = self._write_files(work, folder)
        failed = 0
        for peer in left:
            if peer != TPE and not self._holds(TPE):
                continue  # without its target
            failed += not self._run_one(peer, folder, chance)
        return failed

    def _holds(self, peer: str) -> bool:
        return (self.dataset, self.seed, peer) in self.results.records

    def _write_files(self, work: Path, folder: Path) -> float:
        if not (work / "minilm").exists():
            write_models(work)
        data, sizes = read_data(self.source), self.results.sizes
        chance = write_rows(data, folder, seed=self.seed, sizes=sizes)
        link_models(work, folder)
        return chance

    def _run_one(self, peer: str, folder: Path, chance: float) -> bool:
        task = self._task(peer, folder)
        try:
            outcome = measured(task)
        except subprocess.CalledProcessError as error:
            print(f"{self.dataset} seed {self.seed} {peer}: exit {error.returncode}", flush=True)
            return False
        asked = {name: getattr(task, name) for name in ("target", "budget", "overrides", "files")}
        key = {"dataset": self.dataset, "seed": self.seed, "peer": peer}
        record = {**key, "chance": chance, **asked, "commit": commit(), **outcome}
        self.results.add(record)
        print(line_of(record), flush=True)
        return True

    def _task(self, peer: str, folder: Path) -> Task:
        """Its stop: the target, or TPE's whole time for finesweep, twice that for the others."""
        task = Task(self.dataset, self.seed, peer, str(folder))
        if peer == TPE:
            return task
        theirs = self.results.records[self.dataset, self.seed, TPE]["trajectory"][-1]
        return replace(
            task,
            overrides=self._overrides_of(peer),
            files=self._files_of(peer),
            target=None if self.full else theirs["best"],
            budget=theirs["cpu"] * (1 if peer in self.overrides else 2),
        )

    def _overrides_of(self, peer: str) -> tuple[str, ...]:
        text = self.overrides.get(peer, "")
        return tuple(
            shlex.split(text.replace("{set}", self.dataset).replace("{seed}", str(self.seed)))
        )

    def _files_of(self, peer: str) -> str | None:
        if self.files is None or peer not in self.overrides:
            return None
        folder = self.files.resolve() / self.dataset
        return str(folder) if folder.is_dir() else None


def name_of(source: str) -> str:
    return Path(source).resolve().name if Path(source).is_dir() else source


def measured(task: Task) -> dict[str, Any]:
    """What a peer hands back, from a process of its own with one thread."""
    modules = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT), "--task", task.as_json()],
        env=os.environ | ONE_THREAD | QUIET | {"PYTHONPATH": modules},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome


def line_of(record: Mapping[str, Any]) -> str:
    last = record["trajectory"][-1]
    best = "none" if last["best"] is None else f"{last['best']:.4f}"
    target = "" if record["target"] is None else f", target {record['target']:.4f}"
    return (
        f"{record['dataset']} seed {record['seed']} {record['peer']}: loss {best}{target}, "
        f"{len(record['trajectory'])} trials, {last['cpu']:.1f} CPU s, {last['wall']:.1f} s"
    )


def commit() -> str | None:
    """The commit that is measured; None outside a clone."""
    git = ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
