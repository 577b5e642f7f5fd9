"""What averaging the weights of a configuration's seeds gains over the best seed, on test rows.

python benchmarks/soup.py DATA [DATA …] [--repeats 3] [--seeds 3] [--rows 200] [--epochs 3]
    [--model NAME] [--results FILE]

DATA is a folder with train.parquet, validation.parquet and test.parquet, each with the columns text
and label. Each repetition draws its rows anew and trains one configuration with --seeds seeds
twice: from the same new head, as a sweep with `confirm.soup`, and from a head of their own. Then,
as a sweep does: the best seed by validation loss, the uniform and the greedy soup, the ensemble,
and what is best of these on validation. Printed are gains over the best seed of the same heads on
the same test rows, positive where it is better, with 95 % intervals by Student's t over all
repetitions. --results appends a JSON line for each repetition, and repetitions that are already
there are not trained again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import t as student

from finesweep.config import compose
from finesweep.dataset import load_dataset
from finesweep.model import averaged, load_trained
from finesweep.records import Objective, Predictions, SplitName
from finesweep.runs.preparation import model_of, tokens_of
from finesweep.stats.predictions import mean_predictions
from finesweep.sweep.selection.combination import (
    BEST_SEED,
    ENSEMBLE,
    GREEDY,
    UNIFORM,
    Members,
    choose,
)
from finesweep.training import compute_metrics, fit, predict

OBJECTIVE = Objective()
WAYS = ("soup", "ensemble")
SHARED, OWN = "the same head", "their own heads"
CHOSEN, MEAN, DEVIATION = "best on validation", "mean of the seeds", "deviation"
LOSS = "validation/loss"
TRAINING = [
    "dataset=local", "dataset.max_length=48", "dataset.validation_size=100",
    "dataset.test_size=300", "training.learning_rate=2e-4", "training.batch_size=16",
    "training.evaluations_per_epoch=1", "training.precision=fp32",
]  # fmt: skip
Scores = dict[str, float]
Record = dict[str, Any]


class Trainings:
    """The trained seeds of one repetition, by the seeds of training and head."""

    def __init__(
        self, data: Path, repeat: int, folder: Path, *, rows: int, epochs: int, model: str
    ) -> None:
        self.folder, self.trained = folder, dict[tuple[int, int], Path]()
        files = [
            f"dataset.files.{name}={data / f'{name}.parquet'}"
            for name in ("train", "validation", "test")
        ]
        self.overrides = [*TRAINING, *files, f"model={model}", f"dataset.train_size={rows}"]
        self.overrides += [f"training.epochs={epochs}"]
        self.overrides += [f"dataset.seed={repeat}", f"storage.cache={folder / 'cache'}"]
        config = compose(self.overrides).config
        self.dataset = load_dataset(config.dataset)

    def folder_of(self, seed: int, head: int) -> Path:
        """The weights at the best evaluation."""
        if (seed, head) not in self.trained:
            own = [f"training.seed={seed}", f"training.head_seed={head}"]
            config = compose([*self.overrides, *own]).config
            model, tokenizer, _ = model_of(self.dataset, config)
            self.tokens, self.config = tokens_of(self.dataset, tokenizer, config), config.training
            fit(
                model,
                self.tokens,
                config.training,
                objective=OBJECTIVE,
                on_evaluation=lambda _: None,
            )
            folder = self.folder / f"seed-{seed}-{head}"
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            self.trained[seed, head] = folder
        return self.trained[seed, head]

    def predict(self, folders: Sequence[Path], split: SplitName) -> Predictions:
        """Predictions of the average of these weights."""
        model = averaged(load_trained(folder)[0] for folder in folders)
        rows = {"validation": self.tokens.validation, "test": self.tokens.test}[split]
        return predict(model, rows, self.tokens, self.config)


def compared(trainings: Trainings, heads: Sequence[int], seeds: Sequence[int]) -> dict[str, Scores]:
    """Way → its scores on validation and test, and the deviation between seeds."""
    folders = [trainings.folder_of(seed, head) for seed, head in zip(seeds, heads, strict=True)]
    known: dict[tuple[SplitName, frozenset[int]], Predictions] = {}

    def predictions(way: str, members: Members, split: SplitName) -> Predictions:
        if way == ENSEMBLE:
            return mean_predictions([predictions("", (each,), split) for each in members])
        key = split, frozenset(members)
        if key not in known:
            known[key] = trainings.predict([folders[each] for each in members], split)
        return known[key]

    def value(way: str, members: Members) -> float:
        return compute_metrics(predictions(way, members, "validation"), "validation")[LOSS]

    def scores(way: str, members: Members) -> Scores:
        tested = compute_metrics(predictions(way, members, "test"), "test")
        names = ("test/loss", "test/accuracy")
        return {LOSS: value(way, members)} | {name: tested[name] for name in names}

    order = tuple(sorted(range(len(seeds)), key=lambda k: value("", (k,))))
    tried, chosen = choose(order, (), WAYS, OBJECTIVE, value)
    result = {way: scores(way, members) for way, (_, members) in tried.items()}
    each = [scores("", (k,)) for k in order]
    mean = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
    deviation = float(np.std([one[LOSS] for one in each], ddof=1))
    return result | {CHOSEN: result[chosen], MEAN: mean, DEVIATION: {LOSS: deviation}}


def interval(values: Sequence[float]) -> str:
    """Mean and 95 % interval over repetitions."""
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return f"{mean:+.4f}"
    half = float(student.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
    return f"{mean:+.4f} ({mean - half:+.4f} to {mean + half:+.4f})"


def known_records(results: Path | None) -> list[Record]:
    if results is None or not results.exists():
        return []
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


def print_gains(records: Sequence[Record]) -> None:
    for heads in (SHARED, OWN):
        each: list[dict[str, Scores]] = [record[heads] for record in records]
        deviations = [result[DEVIATION][LOSS] for result in each]
        print(f"seeds from {heads}: deviation of validation loss {np.mean(deviations):.4f}")
        for way in (UNIFORM, GREEDY, ENSEMBLE, CHOSEN, MEAN):
            losses = [r[BEST_SEED]["test/loss"] - r[way]["test/loss"] for r in each]
            right = [r[way]["test/accuracy"] - r[BEST_SEED]["test/accuracy"] for r in each]
            n = sum(loss > 0 for loss in losses)
            print(
                f"  {way:<19} loss {interval(losses)}, better in {n} of {len(losses)};"
                f" accuracy {interval(right)}"
            )


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("data", type=Path, nargs="+")
    cli.add_argument("--repeats", type=int, default=3)
    cli.add_argument("--seeds", type=int, default=3)
    cli.add_argument("--rows", type=int, default=200)
    cli.add_argument("--epochs", type=int, default=3)
    cli.add_argument("--model", default="distil_minilm")
    cli.add_argument("--results", type=Path)
    given = cli.parse_args()
    torch.set_num_threads(1)
    records = known_records(given.results)
    done = {(record["data"], record["repeat"]) for record in records}
    for repeat, data in product(range(given.repeats), given.data):
        if (data.name, repeat) in done:
            continue
        with tempfile.TemporaryDirectory(prefix="finesweep-soup-") as folder:
            own = {"rows": given.rows, "epochs": given.epochs, "model": given.model}
            trainings = Trainings(data, repeat, Path(folder), **own)
            seeds = [100 * repeat + k for k in range(given.seeds)]
            record: Record = {"data": data.name, "repeat": repeat, "model": given.model}
            record[SHARED] = compared(trainings, [seeds[0]] * len(seeds), seeds)
            record[OWN] = compared(trainings, seeds, seeds)
        records.append(record)
        print(f"{data.name}, repetition {repeat + 1}: {time.process_time():.0f} CPU s", flush=True)
        if given.results:
            with given.results.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(record)}\n")
    for name in [None, *dict.fromkeys(record["data"] for record in records)]:
        print(f"\n{name or 'all'}")
        print_gains([record for record in records if name in (None, record["data"])])


if __name__ == "__main__":
    main()
