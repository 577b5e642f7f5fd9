"""What finished studies say about a setting before the current study has tried anything.

A Gaussian process over the trials of all past studies (scikit-learn's, Matérn 5/2 with a length
scale for each column). Losses of different studies have different scales, so each study's are
standardised first.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from finesweep.samplers.encoding import Array

MAX_FITTED = 400
"""Past trials from which the kernel's parameters are found; its mean and covariance have all."""
MIN_NOISE = 1e-3
LENGTHS = (0.15, 10.0)
"""Bounds of a length scale, in units of a field's range; 10 is a field with little influence."""
NO_INFLUENCE = 1e6
"""Length scale of a column that no past trial varied: the prior cannot say anything about it."""


@dataclass(frozen=True)
class Prior:
    """A Gaussian process given past trials: mean and covariance of standardised losses.

    Lower is better; 0 is the mean of a past study's trials and 1 their standard deviation.
    """

    rows: Array
    """[P, columns] of past trials."""
    lengths: Array
    """[columns] length scales."""
    variance: float
    noise: float
    """Variance of a loss around its mean: the seed's, and what sets one study apart."""
    weights: Array
    """[P]: inverse covariance times losses."""
    factor: tuple[Array, bool]
    """Cholesky factor of the past trials' covariance."""

    def mean(self, rows: Array) -> Array:
        """[N] expected standardised losses."""
        return np.asarray(self.variance * matern(rows, self.rows, self.lengths) @ self.weights)

    def covariance(self, rows: Array, others: Array) -> Array:
        """[N, M] covariance that past trials leave."""
        left = self.variance * matern(self.rows, rows, self.lengths)
        right = self.variance * matern(self.rows, others, self.lengths)
        between = self.variance * matern(rows, others, self.lengths)
        return np.asarray(between - left.T @ cho_solve(self.factor, right))

    def variance_at(self, rows: Array) -> Array:
        """[N] diagonal of the covariance."""
        cross = self.variance * matern(self.rows, rows, self.lengths)
        return np.asarray(
            self.variance - np.einsum("pn,pn->n", cross, cho_solve(self.factor, cross))
        )


def matern(rows: Array, others: Array, lengths: Array) -> Array:
    """[N, M] Matérn 5/2 correlations (Rasmussen and Williams 2006, equation 4.17)."""
    distance = np.sqrt(5.0) * cdist(rows / lengths, others / lengths)
    return np.asarray((1.0 + distance + distance**2 / 3.0) * np.exp(-distance))


def fit_prior(rows: Sequence[Array], losses: Sequence[Array]) -> Prior:
    """The process of maximum marginal likelihood for the trials of each study: rows [P, columns]
    and losses [P].

    Of more than MAX_FITTED trials, that many at equal distances decide about the likelihood, whose
    time is cubic in their number.
    """
    every = np.concatenate(list(rows))
    varies = np.ptp(every, axis=0) > 0
    standardised = np.concatenate([standardise(each) for each in losses])
    fitted_on = np.linspace(0, len(every) - 1, min(len(every), MAX_FITTED)).round().astype(int)
    process = _process(int(varies.sum()))
    with warnings.catch_warnings():
        # A length scale at its bound is a field without influence, and no fault.
        warnings.simplefilter("ignore")
        process.fit(every[fitted_on][:, varies], standardised[fitted_on])
    fitted = process.kernel_
    lengths = np.where(varies, 1.0, NO_INFLUENCE)
    lengths[varies] = fitted.k1.k2.length_scale
    variance, noise = float(fitted.k1.k1.constant_value), float(fitted.k2.noise_level)
    covariance = variance * matern(every, every, lengths) + noise * np.eye(len(every))
    factor = cho_factor(covariance, lower=True)
    return Prior(every, lengths, variance, noise, cho_solve(factor, standardised), factor)


def _process(n_columns: int) -> GaussianProcessRegressor:
    kernel = ConstantKernel(1.0, (0.05, 5.0)) * Matern(np.ones(n_columns), LENGTHS, nu=2.5)
    return GaussianProcessRegressor(kernel + WhiteKernel(0.2, (MIN_NOISE, 2.0)), random_state=0)


def standardise(losses: Array) -> Array:
    """Losses with mean 0 and standard deviation 1; all 0 when they are equal."""
    deviation = losses.std()
    return np.asarray((losses - losses.mean()) / (deviation if deviation > 0 else 1.0))
