"""Sweeps: space, study, slots and the loop that runs one trial after another."""

from finesweep.sweep.engine import run_sweep
from finesweep.sweep.finalist import Finalist, evaluate_winner, known_finalist
from finesweep.sweep.observer import Observer, TrialEnd, TrialStart
from finesweep.sweep.status import Row, Status, leaderboard, status_of
from finesweep.sweep.study import REGISTERED, find_study
from finesweep.sweep.trial import Trained, run_trial

__all__ = [
    "REGISTERED",
    "Finalist",
    "Observer",
    "Row",
    "Status",
    "Trained",
    "TrialEnd",
    "TrialStart",
    "evaluate_winner",
    "find_study",
    "known_finalist",
    "leaderboard",
    "run_sweep",
    "run_trial",
    "status_of",
]
