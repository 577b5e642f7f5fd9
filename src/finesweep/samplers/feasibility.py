"""How likely a setting is to end with a loss, when trials have failed: without memory, or diverged.

Expected improvement is multiplied by it (Gelbart, Snoek and Adams 2014, for constraints that are
learned while searching). What makes trials fail is taken to be one field: a number above or below a
threshold, or a value that is no number. Each such rule is weighed by how likely it makes the trials
that ended and those that failed, so that a few failures at different rates with the same batch size
are soon put down to the batch size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp, softmax

from finesweep.samplers.encoding import Array, Encoding

EXCEPTIONS = 0.02
"""Share of trials that do not follow the rule: they may fail for other reasons."""
THRESHOLDS = (np.arange(100) + 0.5) / 100
"""In units of a field's range; each is as likely, before any trial."""


def feasibility(encoding: Encoding, ended: Array, failed: Array, candidates: Array) -> Array:
    """[N] probabilities that candidates [N, columns] end with a loss, as the trials ended
    [n, columns] did, and those failed [f, columns] did not."""
    rows = np.concatenate([ended, failed, candidates])
    has_failed = np.repeat([False, True], [len(ended), len(failed)])
    log_likelihoods, fails = [], []
    for rules in _families(encoding, rows):
        of_trials, of_candidates = rules[: len(has_failed)], rules[len(has_failed) :]
        n_exceptions = (of_trials != has_failed[:, None]).sum(axis=0)
        followed = len(has_failed) - n_exceptions
        each = n_exceptions * np.log(EXCEPTIONS) + followed * np.log(1 - EXCEPTIONS)
        log_likelihoods.append(logsumexp(each) - np.log(len(each)))
        fails.append(of_candidates @ softmax(each))
    probability = softmax(log_likelihoods) @ np.stack(fails)
    return np.asarray(probability * EXCEPTIONS + (1 - probability) * (1 - EXCEPTIONS))


def _families(encoding: Encoding, rows: Array) -> Iterator[npt.NDArray[np.bool_]]:
    """Families of equally likely rules, as [rows, rules]: whether each rule says that a row fails.

    One family for a number that is too high, one for it being too low, one for the values of a
    field.
    """
    for column in range(len(encoding.numbers)):
        is_above = rows[:, [column]] > THRESHOLDS
        yield is_above
        yield ~is_above
    for field in sorted({field for field, _ in encoding.categories}):
        columns = [n for n, (each, _) in enumerate(encoding.categories) if each == field]
        yield rows[:, len(encoding.numbers) + np.array(columns)] > 0
