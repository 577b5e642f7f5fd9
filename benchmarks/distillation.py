"""What a student gains from its teacher: the same small model trained with and without one.

python benchmarks/distillation.py SET... --results FILE [--seeds 0 1 2] [--max-length 64]
python benchmarks/distillation.py --results FILE --report

SET is a folder with train.parquet, validation.parquet and test.parquet (columns text and label).
For each set and seed a few hundred rows are drawn anew, and three models are trained on them with
the same epochs, learning rate and batches: the teacher, minilm with 6 layers, and its distil_minilm
with 3 layers, plain and distilled. The checkpoint of the least validation loss is tested. The
interval is Student's t over the paired differences, one for each set and seed. What the results
file holds is not run again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from finesweep.config import Config, compose

EVALUATED = {"validation": 200, "test": 500}
"""Rows of the splits that are not trained on."""
MODELS = ("minilm", "distil_minilm")
SCORES = {"accuracy": "higher", "loss": "lower"}
"""Test score → which is better."""


@dataclass(frozen=True)
class Cell:
    """One set, one seed and one setting: what identifies a record."""

    set: str
    seed: int
    train: int
    max_length: int
    epochs: int
    temperature: float
    weight: float


def main() -> int:
    given = _arguments()
    done = _records(given.results)
    for seed in given.seeds:
        for source in given.sets:
            cell = Cell(
                set=Path(source).name,
                seed=seed,
                train=given.train,
                max_length=given.max_length,
                epochs=given.epochs,
                temperature=given.temperature,
                weight=given.weight,
            )
            if asdict(cell) not in [record["cell"] for record in done]:
                record = {"cell": asdict(cell), **run(cell, Path(source).resolve())}
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(record) + "\n")
                print(json.dumps(record), flush=True)
    print("\n".join(report(_records(given.results))))
    return 0


def _arguments() -> argparse.Namespace:
    cli = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cli.add_argument("sets", nargs="*", metavar="SET")
    cli.add_argument("--results", type=Path, default=Path("distillation.jsonl"))
    cli.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    cli.add_argument("--train", type=int, default=256, help="train rows, 256 by default")
    cli.add_argument("--max-length", type=int, default=64)
    cli.add_argument("--epochs", type=int, default=4)
    cli.add_argument("--temperature", type=float, default=2.0)
    cli.add_argument("--weight", type=float, default=0.5)
    cli.add_argument("--report", action="store_true", help="only print what the results say")
    given = cli.parse_args()
    if given.report:
        given.sets = []
    return given


def run(cell: Cell, source: Path) -> dict[str, Any]:
    """Name of each of the three models → its test scores, and CPU seconds."""
    from finesweep.dataset import load_dataset
    from finesweep.runs.teachers import read_teacher, teacher_logits

    begun = time.process_time()
    with tempfile.TemporaryDirectory(prefix="finesweep-distillation-") as folder:
        config = _config(cell, drawn(cell, source, Path(folder)), folder)
        dataset = load_dataset(config["minilm"].dataset)
        saved = Path(folder) / "teacher"
        scores = {"teacher": trained(config["minilm"], dataset, save=saved)}
        taught = time.process_time()
        student = config["distil_minilm"]
        scores["plain"] = trained(student, dataset)
        plain = time.process_time()
        teacher = read_teacher(str(saved), tracking_uri=student.tracking.uri)
        logits = teacher_logits(teacher, dataset, student)
        scores["distilled"] = trained(
            replace(student, training=replace(student.training, teacher=str(saved))),
            dataset,
            logits=logits,
        )
    ended = time.process_time()
    seconds = {"teacher": taught - begun, "plain": plain - taught, "distilled": ended - plain}
    return {"scores": scores, "cpu_seconds": {k: round(v, 1) for k, v in seconds.items()}}


def trained(
    config: Config, dataset: Any, *, logits: np.ndarray | None = None, save: Path | None = None
) -> dict[str, float]:
    """The test scores of a model trained from this config, which is saved to a folder."""
    from finesweep.records import Objective
    from finesweep.runs.preparation import model_of, tokens_of
    from finesweep.training import compute_metrics, fit, predict

    model, tokenizer, _ = model_of(dataset, config)
    tokens = tokens_of(dataset, tokenizer, config)
    fit(
        model,
        tokens,
        config.training,
        objective=Objective(),
        on_evaluation=lambda evaluation: None,
        teacher_logits=logits,
    )
    if save is not None:
        model.save_pretrained(save)
        tokenizer.save_pretrained(save)
    metrics = compute_metrics(predict(model, tokens.test, tokens, config.training), "test")
    return {name: metrics[f"test/{name}"] for name in SCORES}


def drawn(cell: Cell, source: Path, folder: Path) -> Path:
    """The folder, with a file of this cell's rows for each split."""
    for split, n_rows in {"train": cell.train, **EVALUATED}.items():
        rows = pd.read_parquet(source / f"{split}.parquet")
        some = rows.sample(min(n_rows, len(rows)), random_state=cell.seed)
        some.to_parquet(folder / f"{split}.parquet", index=False)
    return folder


def _config(cell: Cell, source: Path, folder: str) -> dict[str, Config]:
    """Model → the config of its training, the same but for the model."""
    files = (f"dataset.files.{s}='{source / s}.parquet'" for s in ("train", "validation", "test"))
    overrides = [
        "dataset=local",
        *files,
        f"dataset.max_length={cell.max_length}",
        "training.learning_rate=2e-4",
        f"training.epochs={cell.epochs}",
        "training.batch_size=16",
        "training.evaluations_per_epoch=1",
        "training.precision=fp32",
        f"training.seed={cell.seed}",
        f"training.distillation.temperature={cell.temperature}",
        f"training.distillation.weight={cell.weight}",
        f"storage.cache={folder}/cache",
    ]
    return {model: compose([*overrides, f"model={model}"]).config for model in MODELS}


def report(records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Mean test scores by set, then the paired gains with their intervals, for each setting."""
    settings = {
        json.dumps({k: v for k, v in record["cell"].items() if k not in ("set", "seed")})
        for record in records
    }
    for setting in sorted(settings):
        own = [each for each in records if json.loads(setting).items() <= each["cell"].items()]
        yield f"\n{setting}"
        for name in sorted({each["cell"]["set"] for each in own}):
            yield _line(name, [each for each in own if each["cell"]["set"] == name])
        yield _line("all", own)
        for score, better in SCORES.items():
            mean, low, high = paired_interval(gains(own, score))
            yield f"gain in {score} ({better} is better): {mean:+.4f} ({low:+.4f} … {high:+.4f})"


def _line(name: str, records: Sequence[Mapping[str, Any]]) -> str:
    cells = [
        f"{model} " + " ".join(f"{np.mean([r['scores'][model][s] for r in records]):.4f}"
                               for s in SCORES)
        for model in ("teacher", "plain", "distilled")
    ]  # fmt: skip
    return f"{name}: {len(records)} seeds; {', '.join(SCORES)}: {'; '.join(cells)}"


def gains(records: Sequence[Mapping[str, Any]], score: str) -> list[float]:
    """Distilled minus plain, for each set and seed; for a loss it is better below 0."""
    return [r["scores"]["distilled"][score] - r["scores"]["plain"][score] for r in records]


def paired_interval(differences: Sequence[float]) -> tuple[float, float, float]:
    """Mean, low and high of its 95 % interval by Student's t."""
    values = np.asarray(differences)
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return mean, float("-inf"), float("inf")
    half = float(t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half


def _records(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


if __name__ == "__main__":
    sys.exit(main())
