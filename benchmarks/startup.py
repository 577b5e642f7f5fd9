"""CPU seconds of each command, of one checkout or of several side by side: median of N runs.

python benchmarks/startup.py [SOURCE…] [--runs 5] [--only models,status] [--folder PLACE]

SOURCE is the root of a checkout; this one unless given. Each runs with this Python and its packages
in the same project: a tiny model, a finished sweep and two versions that it registered, which the
last SOURCE makes first, in a minute. In turn, so that a busy machine slows all of them; CPU seconds
are those of the process and its children. The project stays in --folder for another time.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from tests.tiny_bert import tiny_bert

ROOT = Path(__file__).parents[1]
SWEEP = """\
# @package sweep
# Two short trials   finesweep sweep small
n_trials: 2
sampler: {_target_: optuna.samplers.RandomSampler, seed: 1}
pruner: {_target_: optuna.pruners.NopPruner}
params:
  dataset: local
  dataset.path: texts.csv
  dataset.max_length: 16
  model: tiny
  training.epochs: 2
  training.batch_size: 16
  training.precision: fp32
  training.learning_rate: 0.01
  training.weight_decay: interval(0.0, 0.1)
register: {name: small-model, alias: challenger}
report: false
"""
WORDS = {"good": ["lovely", "great", "superb"], "bad": ["awful", "dull", "dreadful"]}
LOCAL = ("dataset=local", "dataset.max_length=16", "model=tiny")
MODEL = "models:/small-model@challenger"
COMMANDS: Mapping[str, Sequence[str]] = {
    "--help": ("--help",),
    "train --help": ("train", "--help"),
    "explore --help": ("explore", "--help"),
    "promote --help": ("promote", "--help"),
    "models": ("models",),
    "status": ("status", "small"),
    "promote --dry-run": ("promote", "small-model", "--version", "1", "--dry-run"),
    "rollback": ("rollback", "small-model"),
    "stop": ("stop", "small"),
    "delete": ("delete", "small", "--yes"),
    "sweep, spent": ("sweep", "small"),
    "work, spent": ("work", "small"),
    "predict": ("predict", "--model", MODEL, "a lovely day"),
    "explore": ("explore", *LOCAL, "dataset.path=texts.csv"),
    "train": ("train", *LOCAL, "dataset.path=texts.csv", "training.epochs=1"),
    "train, no such file": ("train", *LOCAL, "dataset.path=absent.csv"),
    "train, no such folder": ("train", *LOCAL, "dataset.path=texts.csv", "model.name_or_path=./no"),
    "train, no such column": (
        *("train", *LOCAL, "dataset.path=texts.csv"),
        "dataset.text_column=words",
    ),
    "train, no such field": ("train", "training.lr=1"),
    "explore, no such file": ("explore", *LOCAL, "dataset.path=absent.csv"),
    "adapt, no such file": ("adapt", *LOCAL, "dataset.path=absent.csv"),
    "predict, no model URI": ("predict", "--model", "small-model", "a lovely day"),
    "predict, no such model": ("predict", "--model", "models:/small/1", "a lovely day"),
    "promote, no such model": ("promote", "smal-model"),
    "status, no such study": ("status", "smal"),
    "work, no such study": ("work", "smal"),
}
SETTINGS = ("FINESWEEP_STORAGE_URL", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID")


def environment(source: Path) -> dict[str, str]:
    own = {"PYTHONPATH": str(source / "src"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return {name: value for name, value in os.environ.items() if name not in SETTINGS} | own


def finesweep(source: Path, folder: Path, *arguments: str) -> None:
    """One command that must succeed."""
    command = [sys.executable, "-m", "finesweep", *arguments]
    subprocess.run(command, cwd=folder, env=environment(source), check=True, capture_output=True)


def prepare(source: Path, folder: Path) -> None:
    """A project in which small-model has two versions, each once champion."""
    drawn = random.Random(0)
    rows = [f"{' '.join(drawn.choices(WORDS[k], k=3))} n{i},{k}" for i in range(200) for k in WORDS]
    (folder / "conf/model").mkdir(parents=True)
    (folder / "sweeps").mkdir()
    (folder / "texts.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    (folder / "sweeps/small.yaml").write_text(SWEEP, encoding="utf-8")
    (folder / "conf/model/tiny.yaml").write_text(f"name_or_path: {folder / 'tiny'}\n")
    tiny_bert(folder / "tiny", num_hidden_layers=2)
    hopeless = ("training.learning_rate=1e-8", "sweep.study=hopeless")
    finesweep(source, folder, "sweep", "small", *hopeless)
    finesweep(source, folder, "promote", "small-model")
    finesweep(source, folder, "sweep", "small")
    finesweep(source, folder, "promote", "small-model")
    shutil.copytree(folder / "mlruns", folder / "as-it-was")


def cpu_seconds(source: Path, folder: Path, arguments: Sequence[str]) -> tuple[float, int, str]:
    """User and system time of one command and its children, its exit code and what it said."""
    for name in ("mlflow.db", "optuna.db"):
        for left in (folder / "mlruns").glob(f"{name}*"):
            left.unlink()
        for kept in (folder / "as-it-was").glob(f"{name}*"):  # SQLite's log of writes, too
            shutil.copy(kept, folder / "mlruns" / kept.name)
    command = [sys.executable, "-m", "finesweep", *arguments]
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(source),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = code = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().decode()
    return usage.ru_utime + usage.ru_stime, code, said


def compare(sources: Sequence[Path], folder: Path, names: Sequence[str], n_runs: int) -> None:
    width = max(map(len, names))
    for number, source in enumerate(sources, 1):
        print(f"{number}: {source}")
    heads = "".join(f"{f'{number}, CPU s':>10}" for number in range(1, len(sources) + 1))
    print(f"{'':<{width}}{heads}   1 by {len(sources)}   exit: last line")
    for name in names:
        runs = [
            [cpu_seconds(source, folder, COMMANDS[name]) for source in sources]
            for _ in range(n_runs)
        ]
        medians = [statistics.median(run[k][0] for run in runs) for k in range(len(sources))]
        _, code, said = runs[-1][-1]
        line = (said.strip().splitlines() or [""])[-1].strip()
        figures = "".join(f"{median:10.2f}" for median in medians)
        ratio = medians[0] / medians[-1]
        print(f"{name:<{width}}{figures}{ratio:9.1f}   {code}: {line[:60]}", flush=True)


def main() -> None:
    cli = argparse.ArgumentParser(usage=(__doc__ or "").splitlines()[2])
    cli.add_argument("sources", nargs="*", type=Path, default=[ROOT], metavar="SOURCE")
    cli.add_argument("--runs", type=int, default=5)
    cli.add_argument(
        "--only", default=",".join(COMMANDS), help="names of COMMANDS, a comma between"
    )
    cli.add_argument("--folder", type=Path)
    given = cli.parse_args()
    sources = [source.absolute() for source in given.sources]
    names = [name for name in COMMANDS if name.startswith(tuple(given.only.split(",")))]
    with tempfile.TemporaryDirectory() as place:
        folder = (given.folder or Path(place)).absolute()
        if not (folder / "as-it-was").is_dir():
            prepare(sources[-1], folder)
        compare(sources, folder, names, given.runs)


if __name__ == "__main__":
    main()
