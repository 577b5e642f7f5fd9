"""How often the confirmed winner is the true best, beside the plain minimum's, and at what cost.

python benchmarks/selection.py [--noise SD] [--seeds 8] [--sweeps 2000]

Simulated sweeps of 40 configurations whose true losses are known. The noise of seeds is that of a
real configuration, trained --seeds times on the demo's tweets, unless --noise gives it. Both sides
see the same search; the confirmed one goes on with the race that a sweep runs. Printed last is how
often equal models would be promoted, by the rule of `finesweep promote`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from finesweep.registry.records import Requirements, Scored
from finesweep.registry.rule import decide
from finesweep.stats.seed_race import leader, race_survivors

N_CONFIGURATIONS = 40
SPREADS = {"narrow": 3.0, "wide": 12.0}
"""True losses lie evenly over so many deviations of the noise."""
CONFIRMATIONS = [(2, 2), (3, 3), (5, 5)]
TRAINING = ["model=distil_minilm", "dataset.train_size=500", "dataset.validation_size=300"]
TRAINING += ["dataset.max_length=32", "training.learning_rate=2e-4", "training.epochs=2"]
TRAINING += ["training.evaluations_per_epoch=3"]


@dataclass
class Tally:
    """What one way of choosing came to."""

    hits: int = 0
    regret: float = 0.0
    trials: int = 0

    def add(self, chosen: int, true: np.ndarray, n_trials: int) -> None:
        self.hits += int(true[chosen] == true.min())
        self.regret += float(true[chosen] - true.min())
        self.trials += n_trials


def measured_noise(n_seeds: int) -> float:
    """Standard deviation of the best validation loss over seeds of one real configuration."""
    from mlflow import MlflowClient

    with tempfile.TemporaryDirectory(prefix="finesweep-selection-") as folder:
        seeds = f"training.seed={','.join(map(str, range(1, n_seeds + 1)))}"
        command = [sys.executable, "-m", "finesweep", "train", "-m", *TRAINING, seeds]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        client = MlflowClient(tracking_uri=f"sqlite:///{Path(folder) / 'mlruns' / 'mlflow.db'}")
        runs = client.search_runs(["1"])
        best = [
            min(m.value for m in client.get_metric_history(run.info.run_id, "validation/loss"))
            for run in runs
        ]
    print(f"{n_seeds} seeds of one configuration: {' '.join(f'{value:.4f}' for value in best)}")
    return float(np.std(best, ddof=1))


def confirmed(
    searched: np.ndarray,
    true: np.ndarray,
    noise: float,
    way: tuple[int, int],
    drawn: np.random.Generator,
) -> tuple[int, int]:
    """The race's winner, and the trials that it took."""
    top_k, seeds = way
    chosen = [int(k) for k in np.argsort(searched)[:top_k]]
    values: dict[int, list[float]] = {k: [] for k in chosen}
    alive, n_trials = set(chosen), 0
    for _ in range(seeds):
        for k in chosen:
            if k in alive:
                values[k].append(float(true[k] + noise * drawn.normal()))
                n_trials += 1
        alive &= race_survivors(values, "minimize")
    return leader({k: values[k] for k in chosen if k in alive}, "minimize"), n_trials


def simulate(noise: float, n_sweeps: int) -> None:
    drawn = np.random.default_rng(0)
    print(f"{'':<28}{'true best':>10}{'regret':>10}{'trials':>8}")
    for name, spread in SPREADS.items():
        true = np.linspace(0, spread * noise, N_CONFIGURATIONS)
        plain, ways = Tally(), {way: Tally() for way in CONFIRMATIONS}
        for _ in range(n_sweeps):
            searched = true + noise * drawn.normal(size=N_CONFIGURATIONS)
            plain.add(int(searched.argmin()), true, N_CONFIGURATIONS)
            for way, tally in ways.items():
                winner, extra = confirmed(searched, true, noise, way, drawn)
                tally.add(winner, true, N_CONFIGURATIONS + extra)
        rows = {"the plain minimum": plain} | {
            f"confirmed, {top_k} by {seeds} seeds": tally for (top_k, seeds), tally in ways.items()
        }
        print(f"{name}: true losses over {spread:g} deviations of the noise")
        for label, tally in rows.items():
            share, regret = tally.hits / n_sweeps, tally.regret / n_sweeps
            print(f"  {label:<26}{share:>10.1%}{regret:>10.4f}{tally.trials / n_sweeps:>8.1f}")


def false_promotions(n_looks: int, n_sets: int = 1000, n_rows: int = 1000) -> float:
    """Share of test sets on which any of n_looks equal challengers was promoted."""
    drawn, n_promoted = np.random.default_rng(n_looks), 0
    labels = np.arange(n_rows) % 2
    requirements = Requirements({}, None, None)

    def model(hard: np.ndarray) -> Scored:
        wrong = hard & (drawn.uniform(size=n_rows) < 0.5)
        guesses = np.where(wrong, 1 - labels, labels)
        return Scored("1", "rows", ("no", "yes"), labels, guesses, {}, 10.0, 100)

    for _ in range(n_sets):
        hard = drawn.uniform(size=n_rows) < 0.2
        champion = model(hard)
        n_promoted += any(
            decide(model(hard), champion, requirements=requirements, look=look).promoted
            for look in range(1, n_looks + 1)
        )
    return n_promoted / n_sets


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("--noise", type=float, help="standard deviation over seeds")
    cli.add_argument("--seeds", type=int, default=8)
    cli.add_argument("--sweeps", type=int, default=2000)
    given = cli.parse_args()
    noise = measured_noise(given.seeds) if given.noise is None else given.noise
    print(f"noise of seeds: {noise:.4f}")
    simulate(noise, given.sweeps)
    for n_looks in (1, 10):
        share = false_promotions(n_looks)
        print(f"equal models promoted, {n_looks} attempts on one test set: {share:.1%}")


if __name__ == "__main__":
    main()
