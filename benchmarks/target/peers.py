"""The peers by name, and finesweep's overrides of each of its own."""

from __future__ import annotations

from target.task import Outcome, Task

TPE, GP, RANDOM, ASHA = "tpe", "gp", "random", "asha"
OTHERS = (TPE, GP, RANDOM, ASHA)
OURS = {
    "finesweep": "",
    "finesweep-no-portfolio": "sweep.portfolio=0",
    "finesweep-tpe": (
        "'sweep.sampler={_target_: optuna.samplers.TPESampler, multivariate: true, group: true}'"
    ),
    "finesweep-median": (
        "'sweep.pruner={_target_: optuna.pruners.MedianPruner, n_startup_trials: 4}'"
    ),
}
"""finesweep with its defaults, and without one of its features each."""
DEFAULT = (*OTHERS, "finesweep")


def run_peer(task: Task) -> Outcome:
    """One peer's sweep, in this process; a name that is none of OTHERS is finesweep's."""
    if task.peer == ASHA:
        from target import ray_peer

        return ray_peer.run(task)
    if task.peer in OTHERS:
        from target import optuna_peers

        return optuna_peers.run(task)
    from target import finesweep_peer

    return finesweep_peer.run(task)
