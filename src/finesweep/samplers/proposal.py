"""The next params of a study: of largest expected improvement among random and nearby ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from finesweep.samplers.branches import Branch
from finesweep.samplers.encoding import Array, Encoding
from finesweep.samplers.feasibility import feasibility
from finesweep.samplers.past import clipped, loss_of
from finesweep.samplers.posterior import expected_improvement
from finesweep.samplers.prior import Prior

N_BEST, STEP = 8, 0.1
"""How many of the best draws are varied, and how far in units of a range."""


@dataclass(frozen=True)
class Known:
    """What is known before a trial: past studies, and this study's trials."""

    encoding: Encoding
    prior: Prior | None
    rows: Array
    """[n, columns] of finished trials."""
    losses: Array
    """[n], lower is better."""
    running: Array
    """[r, columns]"""
    failed: Array
    """[f, columns] of failed trials whose setting no other trial has: one that was killed, and is
    tried again, says nothing about its setting."""


@dataclass(frozen=True)
class Proposal:
    """Params that may be tried next, by their places in the ranges of a branch."""

    gain: float
    branch: Branch
    places: Array


def known_from(
    trials: Sequence[FrozenTrial], sign: float, encoding: Encoding, prior: Prior | None
) -> Known:
    """What these trials of the study and a prior say; sign is -1 when values are maximised."""
    finished = [
        (trial, loss)
        for trial in trials
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        and (loss := loss_of(trial, sign)) is not None
    ]
    losses = np.array([loss for _, loss in finished], dtype=np.float64)
    rows = _rows(encoding, [trial for trial, _ in finished])
    running = _rows(encoding, [trial for trial in trials if trial.state == TrialState.RUNNING])
    # One that failed before its params were drawn has none.
    ended = [t for t in trials if t.state == TrialState.FAIL and t.params]
    others = {row.tobytes() for row in (*rows, *running)}
    failed = np.unique(_rows(encoding, ended), axis=0)
    return Known(
        encoding=encoding,
        prior=prior,
        rows=rows,
        losses=clipped(losses),
        running=running,
        failed=failed[[row.tobytes() not in others for row in failed]],
    )


def _rows(encoding: Encoding, trials: Sequence[FrozenTrial]) -> Array:
    return encoding.rows([(each.params, each.distributions) for each in trials])


def propose(
    known: Known, branches: Sequence[Branch], n_candidates: int, generator: np.random.Generator
) -> dict[str, Any]:
    """Parameter → value. A setting that was tried is proposed only when no other is left.

    Of n_candidates, half are drawn over all branches, half near the best of these.
    """
    n_drawn = math.ceil(n_candidates / 2 / len(branches))
    drawn = [(branch, generator.random((n_drawn, len(branch.space)))) for branch in branches]
    first = _ranked(known, drawn)
    n_near = math.ceil(n_candidates / 2 / N_BEST)
    nearby = [(each.branch, _near(each.places, n_near, generator)) for each in first[:N_BEST]]
    best = max(first[0], _ranked(known, nearby)[0], key=lambda each: each.gain)
    return best.branch.params(best.places.tolist())


def _ranked(known: Known, drawn: Sequence[tuple[Branch, Array]]) -> list[Proposal]:
    """Proposals for all these places, best first."""
    pairs = [(branch, places) for branch, rows in drawn for places in rows]
    rows = known.encoding.rows(
        [(branch.params(places.tolist()), branch.space) for branch, places in pairs]
    )
    gains = expected_improvement(known.prior, known.rows, known.losses, known.running, rows)
    if len(known.failed):
        ending = feasibility(known.encoding, known.rows, known.failed, rows)
        # Before any loss is known there is nothing to improve on.
        gains = gains * ending if len(known.rows) else ending
    tried = {row.tobytes() for row in (*known.rows, *known.running, *known.failed)}
    gains = np.where([row.tobytes() in tried for row in rows], -np.inf, gains)
    return [Proposal(float(gains[index]), *pairs[index]) for index in np.argsort(-gains)]


def _near(places: Array, n: int, generator: np.random.Generator) -> Array:
    """[n, D] places near these [D]; about half of the parameters stay."""
    shape = (n, len(places))
    steps = generator.normal(0.0, STEP, shape) * (generator.random(shape) < 0.5)
    return np.clip(places + steps, 0.0, 1.0)
