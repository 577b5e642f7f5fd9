"""An ensemble's probabilities are the means of its members', in torch and from predictions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from finesweep.model import mean_logits
from finesweep.records import Predictions
from finesweep.stats.predictions import mean_predictions, probabilities_of

RANDOM = np.random.default_rng(0)
LOGITS = [RANDOM.normal(scale=8, size=(5, 3)).astype(np.float32) for _ in range(3)]


@pytest.mark.parametrize("multi_label", [False, True])
def test_probabilities_are_means(multi_label: bool) -> None:
    labels = np.zeros((5, 3) if multi_label else 5, dtype=np.int64)
    expected = np.mean([probabilities_of(each, multi_label=multi_label) for each in LOGITS], axis=0)
    made = mean_predictions([Predictions(each, labels) for each in LOGITS])
    assert made.logits.dtype == np.float32
    assert made.labels is labels
    assert probabilities_of(made.logits, multi_label=multi_label) == pytest.approx(expected)
    logits = mean_logits([torch.tensor(each) for each in LOGITS], multi_label=multi_label)
    own = logits.sigmoid() if multi_label else logits.softmax(dim=-1)
    assert own.numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("multi_label", [False, True])
def test_probabilities_near_0_and_1_do_not_underflow(multi_label: bool) -> None:
    far = [torch.tensor([[200.0, -200.0]]), torch.tensor([[220.0, -220.0]])]
    assert torch.isfinite(mean_logits(far, multi_label=multi_label)).all()
    labels = np.zeros((1, 2) if multi_label else 1, dtype=np.int64)
    made = mean_predictions([Predictions(each.numpy(), labels) for each in far])
    assert np.isfinite(made.logits).all()
