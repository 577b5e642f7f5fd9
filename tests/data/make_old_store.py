"""Writes old_store.tar.xz beside this file: a project as an earlier commit left it.

    git worktree add OLD b5f85d9, and install it there
    OLD/.venv/bin/python tests/data/make_old_store.py

A tiny BERT learned two classes in study `first`, hopelessly, which made version 1 and the champion;
then in study `old`, which made version 2. Databases are kept as SQL, and pictures as one pixel.
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from transformers import BertConfig, BertForSequenceClassification, BertTokenizer, set_seed

ARCHIVE = Path(__file__).with_name("old_store.tar.xz")
HOME = "/home/ada/project"
"""What the archive calls the folder in which all was made."""
WORDS = {"good": ["lovely", "great", "superb"], "bad": ["awful", "dull", "dreadful"]}
FILLERS = ["the", "a", "this", "that", "very", "quite", "film", "day", "it", "was", "and"]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SWEEP = """\
# @package sweep
# A sweep of an earlier commit   finesweep sweep old
n_trials: 4
sampler: {_target_: optuna.samplers.TPESampler, multivariate: true, group: true, seed: 1}
pruner: {_target_: optuna.pruners.MedianPruner, n_startup_trials: 4}
enqueue:
  - {model: tiny, training.learning_rate: 0.02, model.freeze_layers: 1}
  - {model: tiny_distil, training.learning_rate: 0.02}
params:
  dataset: local
  dataset.path: texts.csv
  dataset.test_size: 0.3
  dataset.max_length: 12
  training.epochs: 5
  training.batch_size: 8
  training.evaluations_per_epoch: 1
  training.precision: fp32
  model: choice(tiny, tiny_distil)
  training.learning_rate: tag(log, interval(0.01, 0.03))
  training.weight_decay: interval(0.0, 0.1)
when:
  model=tiny:
    model.freeze_layers: range(0, 2)
confirm: {top_k: 2, seeds: 2}
register: {name: old-model, alias: challenger}
"""
HOPELESS = ("sweep.study=first", "sweep.n_trials=1", "training.learning_rate=1e-8")


def write_project(folder: Path) -> None:
    """A checkpoint, texts, and the user's own choices and sweep."""
    drawn = random.Random(0)
    lines = ["text,label"]
    for index in range(160):
        label = list(WORDS)[index % 2]
        words = [*drawn.choices(WORDS[label], k=3), *drawn.choices(FILLERS, k=3), f"n{index}"]
        drawn.shuffle(words)
        lines.append(f"{' '.join(words)},{label}")
    (folder / "texts.csv").write_text("\n".join(lines), encoding="utf-8")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = ["n", *map("##{}".format, range(10))]
    vocabulary = [*special, *WORDS["good"], *WORDS["bad"], *FILLERS, *pieces]
    tokenizer = BertTokenizer(vocab={token: number for number, token in enumerate(vocabulary)})
    tokenizer.save_pretrained(folder / "tiny")
    set_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
        initializer_range=0.3,
    )
    BertForSequenceClassification(config).save_pretrained(folder / "tiny")
    models = folder / "conf" / "model"
    models.mkdir(parents=True)
    (models / "tiny.yaml").write_text("name_or_path: tiny\n")
    (models / "tiny_distil.yaml").write_text("name_or_path: tiny\ndistil: true\n")
    (folder / "sweeps").mkdir()
    (folder / "sweeps" / "old.yaml").write_text(SWEEP)


def finesweep(folder: Path, *arguments: str) -> None:
    own = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "USER": "ada", "LOGNAME": "ada"}
    command = [sys.executable, "-m", "finesweep", *arguments]
    subprocess.run(command, cwd=folder, env=os.environ | own, check=True)


def strip(folder: Path) -> None:
    """Databases become SQL, pictures a pixel, and paths of this machine those of HOME."""
    for database in folder.glob("mlruns/*.db"):
        with closing(sqlite3.connect(database)) as opened:
            lines = "\n".join(opened.iterdump())
        database.with_suffix(".sql").write_text(lines, encoding="utf-8")
    for file in folder.glob("mlruns/*.db*"):
        file.unlink()
    for picture in folder.rglob("*.png"):
        picture.write_bytes(PIXEL)
    for page in folder.rglob("dossier.html"):
        page.write_text("<!doctype html>")
    for log in folder.rglob("*.log"):
        log.unlink()
    names = {str(folder): HOME, sys.prefix: "/home/ada/finesweep/.venv"}
    names |= {str(Path(sys.prefix).parent): "/home/ada/finesweep", os.uname().nodename: "desk"}
    for file in filter(Path.is_file, folder.rglob("*")):
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for here, there in names.items():
            text = text.replace(here, there)
        file.write_text(text, encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve() / "project"
        folder.mkdir()
        write_project(folder)
        finesweep(folder, "sweep", "old", *HOPELESS)
        finesweep(folder, "promote", "old-model")
        finesweep(folder, "sweep", "old")
        if keep := sys.argv[1:]:
            shutil.copytree(folder, keep[0])
        strip(folder)
        with tarfile.open(ARCHIVE, "w:xz") as archive:
            archive.add(folder, arcname="project", filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main()
