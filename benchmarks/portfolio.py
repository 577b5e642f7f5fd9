"""Chooses a portfolio of known-good settings for each model from learning curves, and checks it on
sets that were left out.

    python benchmarks/portfolio.py CURVES.jsonl… [--size 4] [--output portfolios] [--in-table]

A table of curves has a JSON object per line: dataset, i (the configuration), model, rate, epochs,
max_length, weight_decay, depth (frozen layers), and curve, a list of evaluations with their
validation loss. Configurations that ran with several seeds on a set are averaged.

A configuration's value on a set is its lowest validation loss, as in a sweep, standardised within
set and model. The portfolio is chosen greedily: next is the configuration that lowers most the mean
over sets of the best value so far; where none lowers it, the one with the best mean of its own.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from finesweep.config import compose
from finesweep.config.portfolios import FROZEN_SHARE, IN_TABLE, Encoder
from finesweep.model.encoder import encoder_of

FIELDS = {
    "training.learning_rate": "rate",
    "training.epochs": "epochs",
    "dataset.max_length": "max_length",
    "training.weight_decay": "weight_decay",
}
"""Field → its name in a table of curves."""
N_RANDOM = 16
N_DRAWS = 4000
SHOWN = 2
"""Number of settings that a sweep tries by default."""


def read_losses(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Losses [configuration, set] and configurations; both indexed by (model, i)."""
    rows = pd.concat([pd.read_json(path, lines=True) for path in paths], ignore_index=True)
    rows["loss"] = [min(each["loss"] for each in curve) for curve in rows["curve"]]
    by = ["model", "i"]
    losses = rows.groupby([*by, "dataset"])["loss"].mean().unstack()
    return losses.dropna(), rows.groupby(by)[[*FIELDS.values(), "depth"]].first()


def choose(losses: pd.DataFrame, size: int) -> list[Any]:
    """The labels of the chosen rows of losses [configuration, set], best first."""
    values = (losses - losses.mean()) / losses.std()
    chosen: list[Any] = []
    best = np.full(values.shape[1], np.inf)
    own = values.mean(axis=1)
    while len(chosen) < min(size, len(values)):
        left = values.drop(index=chosen)
        reached = np.minimum(left.to_numpy(), best).mean(axis=1)
        # Ties are rows that lower nothing; the mean of their own decides.
        order = np.lexsort((own[left.index], reached.round(12)))
        chosen.append(left.index[order[0]])
        best = np.minimum(best, values.loc[chosen[-1]].to_numpy())
    return chosen


def best_of_random(losses: np.ndarray, n_draws: int) -> np.ndarray:
    """The lowest of n_draws different configurations, N_DRAWS times over."""
    drawn = np.random.default_rng(0)
    shuffled = drawn.permuted(np.tile(losses, (N_DRAWS, 1)), axis=1)
    return shuffled[:, :n_draws].min(axis=1)


def first_tried(losses: pd.DataFrame, *, alternate: bool) -> list[Any]:
    """The SHOWN settings of a sweep over all models: in turns, or the best of them together."""
    if not alternate:
        return choose(losses, SHOWN)
    models = losses.index.get_level_values("model").unique()
    return [choose(losses.xs(m, drop_level=False), 1)[0] for m in models][:SHOWN]


def check(losses: pd.DataFrame) -> None:
    """Prints, for each set, what the portfolio of the other sets reaches on it."""
    models = losses.index.get_level_values("model").unique()
    candidates = {f"{m} alone": losses.xs(m, drop_level=False) for m in models}
    ways = {name: (rows, False) for name, rows in candidates.items()}
    ways |= {"both, in turns": (losses, True), "both, best overall": (losses, False)}
    print(f"the best of {SHOWN} settings that were chosen without the set, against random draws:")
    print(f"{'':<20}{'set':<14}{'loss':>8}{'rank':>9}{f'best of {N_RANDOM}':>12}{'worth':>7}")
    for name, (rows, alternate) in ways.items():
        for left_out in rows.columns:
            chosen = first_tried(rows.drop(columns=left_out), alternate=alternate)
            column = rows[left_out].to_numpy()
            reached = rows.loc[chosen, left_out].min()
            rank = int((column < reached).sum()) + 1
            medians = [np.median(best_of_random(column, n)) for n in range(1, len(column) + 1)]
            worth = next((n for n, m in enumerate(medians, 1) if m <= reached), len(column))
            print(
                f"{name:<20}{left_out:<14}{reached:>8.4f}{f'{rank} of {len(column)}':>9}"
                f"{medians[min(N_RANDOM, len(column)) - 1]:>12.4f}{worth:>7}"
            )


def setting(row: pd.Series, encoder: Encoder) -> dict[str, Any]:
    """The configuration with two significant digits, and its frozen layers as a share."""
    values = {path: float(f"{row[name]:.2g}") for path, name in FIELDS.items()}
    whole = {path: int(v) if v >= 1 else v for path, v in values.items()}
    return {**whole, FROZEN_SHARE: round(float(row["depth"]) / encoder.n_layers, 2)}


def write(
    folder: Path, name: str, rows: pd.DataFrame, losses: pd.DataFrame, *, in_table: bool
) -> None:
    """Writes the portfolio of one model: rows are its configurations, best first.

    in_table: benchmarks/past_trials.py puts the same curves into TransferSampler's table.
    """
    encoder = encoder_of(compose([f"model={name}"]).config.model)
    assert encoder is not None
    sets = ", ".join(losses.columns)
    origin = (
        f"measured by finesweep, chosen by benchmarks/portfolio.py from {len(losses)} random "
        f"configurations on {sets}: a few hundred texts each, at most "
        f"{losses.attrs['longest']} tokens long"
    )
    lines = [
        f"# Known-good settings of {name}, best first. Made by benchmarks/portfolio.py",
        f"encoder: {_flow(vars(encoder))}",
        f"origin: {json.dumps(origin)}",
        *([f"{IN_TABLE}: true  # of TransferSampler, which starts from them"] if in_table else []),
        "settings:",
        *(f"  - {_flow(setting(row, encoder))}" for _, row in rows.iterrows()),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _flow(mapping: dict[str, Any]) -> str:
    """One line of YAML, in which every float can be read back as one."""
    text: str = yaml.safe_dump(mapping, default_flow_style=True, sort_keys=False, width=1000)
    return text.strip()


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    cli.add_argument("curves", nargs="+", type=Path, help="tables of curves, JSON lines")
    cli.add_argument("--size", type=int, default=4, help="settings for each model")
    cli.add_argument("--output", type=Path, help="folder for a YAML file for each model")
    cli.add_argument(
        "--in-table", action="store_true", help="the curves are in TransferSampler's table too"
    )
    given = cli.parse_args()
    losses, configurations = read_losses(given.curves)
    losses.attrs["longest"] = configurations["max_length"].max()
    for name in losses.index.get_level_values("model").unique():
        own = losses.xs(name, drop_level=False)
        rows = configurations.loc[choose(own, given.size)]
        print(f"{name}, best first:\n{rows.to_string()}\n")
        if given.output is not None:
            write(given.output, name, rows, own, in_table=given.in_table)
    check(losses)


if __name__ == "__main__":
    main()
