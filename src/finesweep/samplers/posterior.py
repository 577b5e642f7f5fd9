"""What the current study's trials say, seen in the light of past studies.

The loss of a setting x in the current study is modelled as

    loss(x) = offset + scale * (transfer * prior(x) + deviation(x) + noise)

where prior is the past studies' Gaussian process and deviation one of this study alone. How far
the past carries over (transfer), how large the deviation is, and the noise are not chosen: each
combination of a small grid is weighed by its marginal likelihood. A study unlike the past ones
takes the weight away from the prior within a few trials. The offset is integrated out, the scale
is at three values around its most likely one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.linalg import cho_factor
from scipy.linalg.lapack import dpotrs
from scipy.special import ndtr, softmax

from finesweep.samplers.encoding import Array
from finesweep.samplers.prior import NO_INFLUENCE, Prior, matern

TRANSFERS = ((1.0, 0.6), (0.6, 0.3), (0.0, 0.1))
"""(transfer, its probability before any trial)."""
NO_TRANSFER = ((0.0, 1.0),)
DEVIATIONS = (0.25, 0.5, 1.0)
NOISES = (0.02, 0.1)
"""Variances, where the prior's losses have variance 1."""
BELIEVED_NOISE = 1e-4
SCALES = (0.5, 1.0, 2.0)
"""Multiples of the most likely scale."""
DEVIATION_LENGTHS = (0.3, 1.5)
"""Bounds of the deviation's length scales, which are otherwise the prior's."""
OWN_LENGTH = 0.7
"""The deviation's length scale of a field that no past trial varied."""


@dataclass(frozen=True)
class Model:
    """One combination of the grid: means and covariances of n trials and N candidates."""

    probability: float
    """Before any trial."""
    trials_mean: Array
    """[n]"""
    candidates_mean: Array
    """[N]"""
    covariance: Array
    """[n, n] of the trials' losses, without noise."""
    noise: float
    cross: Array
    """[n, N]"""
    variance: Array
    """[N] of the candidates."""


def expected_improvement(
    prior: Prior | None, rows: Array, losses: Array, running: Array, candidates: Array
) -> Array:
    """[N] expected improvement of each candidate [N, columns] over the best trial.

    rows [n, columns] of the finished trials with losses [n], lower is better; running [r, columns]
    of trials under way, which are believed to end as expected (Ginsbourger et al. 2010), so that
    none is tried twice.
    Without either, a positive number that rises as the prior's expected loss falls.
    """
    if len(losses) == 0 and len(running) == 0:
        return np.exp(np.zeros(len(candidates)) if prior is None else -prior.mean(candidates))
    gains, log_weights = [], []
    # Until a trial has finished, nothing speaks against the past.
    transfers = TRANSFERS[: 1 if len(losses) == 0 else None] if prior is not None else NO_TRANSFER
    for model in _models(prior, transfers, np.concatenate([rows, running]), candidates):
        for gain, log_likelihood in _improvements(model, losses):
            gains.append(gain)
            log_weights.append(np.log(model.probability) + log_likelihood)
    return np.asarray(softmax(log_weights) @ np.stack(gains))


def _models(
    prior: Prior | None,
    transfers: Sequence[tuple[float, float]],
    trials: Array,
    candidates: Array,
) -> Iterator[Model]:
    n, both = len(trials), np.concatenate([trials, candidates])
    own = matern(trials, both, _deviation_lengths(prior, both.shape[1]))
    mean, past, past_variance = np.zeros(len(both)), np.zeros_like(own), np.zeros(len(candidates))
    if prior is not None:
        mean, past = prior.mean(both), prior.covariance(trials, both)
        past_variance = prior.variance_at(candidates)
    for (transfer, probability), deviation, noise in product(transfers, DEVIATIONS, NOISES):
        covariance = transfer**2 * past + deviation**2 * own
        yield Model(
            probability=probability,
            trials_mean=transfer * mean[:n],
            candidates_mean=transfer * mean[n:],
            covariance=covariance[:, :n],
            noise=noise,
            cross=covariance[:, n:],
            variance=transfer**2 * past_variance + deviation**2,
        )


def _deviation_lengths(prior: Prior | None, n_columns: int) -> Array:
    lengths = np.full(n_columns, OWN_LENGTH)
    if prior is not None:
        known = prior.lengths < NO_INFLUENCE
        lengths[known] = np.clip(prior.lengths[known], *DEVIATION_LENGTHS)
    return lengths


def _improvements(model: Model, losses: Array) -> Iterator[tuple[Array, float]]:
    """(expected improvement [N], log marginal likelihood) at each scale."""
    n = len(losses)
    # What is believed of trials under way is believed without noise.
    noises = np.where(np.arange(len(model.covariance)) < n, model.noise, BELIEVED_NOISE)
    deviation = Conditioned(model.covariance, noises).deviation(model.cross, model.variance)
    if n == 0:
        best = min(0.0, model.trials_mean.min())
        yield _improvement(best - model.candidates_mean, deviation, model.noise), 0.0
        return
    finished = Conditioned(model.covariance[:n, :n], noises[:n])
    mean, cross = model.trials_mean[:n], model.cross[:n]
    running_mean, running_cross = model.trials_mean[n:], model.covariance[:n, n:]
    for scale in finished.likeliest_scale(losses, mean) * np.array(SCALES):
        residuals = losses / scale - mean
        offset = finished.offset(residuals)
        weights = finished.solve(residuals - offset)
        expected = offset + model.candidates_mean + cross.T @ weights
        # The best trial by its expected loss: a lucky seed makes no better setting, and a trial
        # under way is believed to end with what is expected of it.
        ended = losses / scale - model.noise * weights
        under_way = offset + running_mean + running_cross.T @ weights
        best = np.concatenate([ended, under_way]).min()
        gain = scale * _improvement(best - expected, deviation, model.noise)
        yield gain, finished.log_likelihood(residuals, scale)


def _improvement(gain: Array, deviation: Array, noise: float) -> Array:
    """Augmented expected improvement of normal variables (Huang et al. 2006, equation 12).

    It is the expected one, less where another trial would mostly measure its own seed: next to a
    setting that was tried.
    """
    ratio = gain / deviation
    density = np.exp(-(ratio**2) / 2) / np.sqrt(2 * np.pi)
    learned = 1.0 - np.sqrt(noise / (deviation**2 + noise))
    return np.asarray(learned * (gain * ndtr(ratio) + deviation * density))


class Conditioned:
    """A Gaussian process with an unknown offset, given n trials with this covariance [n, n].

    The offset has a flat prior (Rasmussen and Williams 2006, section 2.7).
    """

    def __init__(self, covariance: Array, noises: Array) -> None:
        """noises [n]: variance of each trial's loss around its mean."""
        self.n = len(covariance)
        self.factor = cho_factor(covariance + np.diag(noises), lower=True)
        self.ones = self.solve(np.ones(self.n))
        self.precision = float(self.ones.sum())

    def solve(self, values: Array) -> Array:
        # What cho_solve calls: its checks take six times as long as a system of a few trials.
        factor, is_lower = self.factor
        return np.asarray(dpotrs(factor, values, lower=is_lower)[0])

    def deviation(self, cross: Array, variance: Array) -> Array:
        """[N] standard deviations of points with this cross covariance [n, N] and variance [N],
        apart from the offset's, which all points share."""
        explained = np.einsum("tn,tn->n", cross, self.solve(cross))
        return np.asarray(np.sqrt(np.maximum(variance - explained, 1e-12)))

    def offset(self, residuals: Array) -> float:
        """The most likely offset: generalised least squares."""
        return float(self.ones @ residuals) / self.precision

    def product(self, left: Array, right: Array) -> float:
        """Product of two [n] by the inverse covariance, with the offset integrated out."""
        together = float(self.ones @ left) * float(self.ones @ right) / self.precision
        return float(left @ self.solve(right)) - together

    def likeliest_scale(self, losses: Array, mean: Array) -> float:
        """The scale at which losses are likeliest; 1 when they tell nothing about it."""
        squares = self.product(losses, losses)
        if self.n < 2 or squares <= 0:
            return 1.0
        linear = self.product(losses, mean)
        root = math.sqrt(linear**2 + 4 * (self.n - 1) * squares)
        return 2 * squares / (linear + root)

    def log_likelihood(self, residuals: Array, scale: float) -> float:
        """Of losses with these residuals at this scale, up to a constant."""
        log_determinant = 2.0 * float(np.log(np.diag(self.factor[0])).sum())
        return -0.5 * (
            log_determinant
            + float(np.log(self.precision))
            + self.product(residuals, residuals)
            + 2.0 * (self.n - 1) * float(np.log(scale))
        )
