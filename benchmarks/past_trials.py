"""The table of past trials that TransferSampler learns from, made of measured learning curves.

python benchmarks/past_trials.py CURVES… [--output FILE]

CURVES are JSON lines: dataset, model, rate, epochs, max_length, weight_decay, depth, and a curve
whose entries have a loss. A trial's value is its lowest validation loss, as a sweep has it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

ORIGIN = [
    "Lowest validation losses of random settings, fine-tuned on a few hundred rows of public text",
    "classification sets at short maximum lengths, on one CPU core. The sets: SST-2, IMDB, Amazon",
    "reviews, Yelp stars, phishing URLs. The models: minilm (6 layers) and distil_minilm (3).",
    "Made by benchmarks/past_trials.py from learning curves. Values only; no text of the sets.",
]
LAYERS = {"distil_minilm": 3, "minilm": 6}
DISTRIBUTIONS = {
    "model": CategoricalDistribution(tuple(LAYERS)),
    "training.learning_rate": FloatDistribution(2e-5, 5e-4, log=True),
    "training.epochs": IntDistribution(1, 3),
    "training.weight_decay": FloatDistribution(0.0, 0.1),
    "dataset.max_length": CategoricalDistribution((24, 48)),
    **{f"model.freeze_layers|model={name}": IntDistribution(0, n) for name, n in LAYERS.items()},
}


def table(curves: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """origin, distributions as Optuna writes them, and tasks: data set → trials."""
    tasks: dict[str, list[dict[str, Any]]] = {}
    for row in curves:
        params = {
            "model": row["model"],
            "training.learning_rate": float(f"{row['rate']:.4g}"),
            "training.epochs": row["epochs"],
            "training.weight_decay": float(f"{row['weight_decay']:.4g}"),
            "dataset.max_length": row["max_length"],
            f"model.freeze_layers|model={row['model']}": row["depth"],
        }
        loss = round(min(point["loss"] for point in row["curve"]), 5)
        tasks.setdefault(row["dataset"], []).append({"params": params, "value": loss})
    distributions = {name: distribution_to_json(each) for name, each in DISTRIBUTIONS.items()}
    return {"origin": ORIGIN, "distributions": distributions, "tasks": tasks}


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("curves", type=Path, nargs="+")
    packaged = Path(__file__).parents[1] / "src/finesweep/samplers/past_trials.json"
    cli.add_argument("--output", type=Path, default=packaged)
    given = cli.parse_args()
    lines = [line for path in given.curves for line in path.read_text().splitlines()]
    made = table(map(json.loads, lines))
    # One trial a line: a change of the table can be read.
    text = json.dumps(made, indent=None, separators=(",", ":")).replace('{"params"', '\n{"params"')
    given.output.write_text(text + "\n", encoding="utf-8")
    print(f"{sum(map(len, made['tasks'].values()))} trials of {len(made['tasks'])} sets")


if __name__ == "__main__":
    main()
