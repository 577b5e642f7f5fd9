"""What the winner's seeds combined gain over the best of them, on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from finesweep.config import SweepPlan
from finesweep.model import load_trained
from finesweep.records import TestResult
from finesweep.runs.latency import measure_latency
from finesweep.runs.run_logging import Setup
from finesweep.stats.paired_tests import gained_and_lost, mcnemar_two_sided
from finesweep.stats.predictions import correct_rows
from finesweep.sweep.comparisons import CombinationGain
from finesweep.sweep.selection.combination import BEST_SEED
from finesweep.sweep.selection.combining import folder_of
from finesweep.sweep.selection.confirmation import Winner
from finesweep.training import compute_metrics, predict


def gain_of_combination(
    plan: SweepPlan, winner: Winner, setup: Setup, test: TestResult
) -> Mapping[str, Any] | None:
    """The fields of a CombinationGain; None when the winner is a single model.

    The best seed's predictions for the test rows belong to the evaluation that test is the result
    of: the combination was chosen before, so they decide nothing.
    """
    combination = winner.combination
    if combination is None:
        return None
    best, _ = load_trained(folder_of(plan, winner, winner.best))
    tokens = setup.tokens
    predictions = predict(best, tokens.test, tokens, setup.composed.config.training)
    right = correct_rows(test.predictions)
    n_gained, n_lost = map(len, gained_and_lost(right, correct_rows(predictions)))
    latency = measure_latency(best, tokens.tokenizer, setup.dataset, max_length=tokens.max_length)
    gain = CombinationGain(
        way=combination.chosen,
        n_members=len(combination.members),
        metric=plan.settings.metric,
        validation=(combination.values[combination.chosen], combination.values[BEST_SEED]),
        best_seed_uid=winner.best_seed_uid,
        best_seed_metrics=compute_metrics(predictions, "test"),
        n_gained=n_gained,
        n_lost=n_lost,
        p=mcnemar_two_sided(n_gained, n_lost),
        latency_ms=(test.latency_ms, latency.one_p50),
    )
    return asdict(gain)
