"""The training loss: torch's own, weighted by hand, whole over micro-batches."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from finesweep.errors import NonFiniteError
from finesweep.training.loss import (
    UnreadLosses,
    balanced_weights,
    multi_label_loss,
    training_loss,
)

LABELS = torch.tensor([0, 0, 0, 0, 0, 1, 1, 2, 2, 2])


@pytest.fixture
def outputs() -> SimpleNamespace:
    return SimpleNamespace(logits=torch.randn(10, 3, generator=torch.Generator().manual_seed(0)))


def part(outputs: SimpleNamespace, rows: slice) -> SimpleNamespace:
    return SimpleNamespace(logits=outputs.logits[rows])


@pytest.mark.parametrize("labels", [[0, 0, 0, 1], [2, 1, 0, 0, 0, 2], [*[0] * 97, 1, 2, 2]])
def test_balanced_weights_are_scikit_learns(labels: list[int]) -> None:
    classes = np.unique(labels)
    weights = balanced_weights(labels, n_classes=len(classes))
    expected = compute_class_weight("balanced", classes=classes, y=np.array(labels))
    assert weights == pytest.approx(expected.tolist(), rel=1e-12)
    assert np.array(weights)[labels].mean() == pytest.approx(1)


@pytest.mark.parametrize(("labels", "missing"), [([0, 0, 2], 1), ([0, 1], 2), ([1, 2], 0)])
def test_a_class_without_rows_has_no_balanced_weight(labels: list[int], missing: int) -> None:
    with pytest.raises(ValueError, match=f"^class {missing} has no training row to balance$"):
        balanced_weights(labels, n_classes=3)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_without_weights_it_is_torchs_mean_with_its_smoothing(
    outputs: SimpleNamespace, smoothing: float
) -> None:
    loss = training_loss(None, label_smoothing=smoothing)(outputs, LABELS)
    expected = cross_entropy(outputs.logits, LABELS, label_smoothing=smoothing)
    torch.testing.assert_close(loss, expected)


def test_smoothing_spreads_its_share_over_all_classes(outputs: SimpleNamespace) -> None:
    plain = -outputs.logits.log_softmax(dim=1)
    truth = plain[torch.arange(10), LABELS].mean()
    loss = training_loss(None, label_smoothing=0.3)(outputs, LABELS)
    torch.testing.assert_close(loss, 0.7 * truth + 0.3 * plain.mean())


def test_a_weight_multiplies_its_classs_rows_and_rows_are_what_divides(
    outputs: SimpleNamespace,
) -> None:
    weights = [2.0, 0.5, 3.0]
    plain = cross_entropy(outputs.logits, LABELS, reduction="none")
    expected = (plain * torch.tensor(weights)[LABELS]).sum() / 10
    torch.testing.assert_close(training_loss(weights, label_smoothing=0)(outputs, LABELS), expected)


@pytest.mark.parametrize("smoothing", [0.05, 0.1, 0.5, 0.9])
def test_a_weight_multiplies_a_smoothed_row_by_its_own_class_alone(
    outputs: SimpleNamespace, smoothing: float
) -> None:
    weights = [0.7, 0.7, 25.3]  # of 300, 300 and 8 rows
    each = cross_entropy(outputs.logits, LABELS, reduction="none", label_smoothing=smoothing)
    expected = (each * torch.tensor(weights)[LABELS]).sum() / 10
    loss = training_loss(weights, label_smoothing=smoothing)(outputs, LABELS)
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.3])
def test_a_row_of_a_common_class_is_not_drawn_to_a_rare_one(smoothing: float) -> None:
    """The gradient of a row of class 0 does not depend on how rare another class is."""
    asked = []
    for rare in (1.0, 25.3):
        logits = torch.zeros(1, 3, requires_grad=True)
        loss = training_loss([0.7, 0.7, rare], label_smoothing=smoothing)
        loss(SimpleNamespace(logits=logits), torch.tensor([0])).backward()
        asked.append(logits.grad)
    torch.testing.assert_close(asked[0], asked[1])
    assert asked[0][0, 0] < 0 < asked[0][0, 2]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, [2.0, 0.5, 3.0]])
def test_a_row_without_a_label_counts_nowhere(
    outputs: SimpleNamespace, weights: list[float] | None, smoothing: float
) -> None:
    loss, ignored = training_loss(weights, label_smoothing=smoothing), LABELS.clone()
    ignored[7:] = -100
    torch.testing.assert_close(loss(outputs, ignored), loss(part(outputs, slice(0, 7)), LABELS[:7]))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, [2.0, 0.5, 3.0]])
def test_micro_batches_of_different_sizes_add_up_to_the_whole_step(
    outputs: SimpleNamespace, weights: list[float] | None, smoothing: float
) -> None:
    loss = training_loss(weights, label_smoothing=smoothing)
    parts = [
        loss(part(outputs, rows), LABELS[rows], num_items_in_batch=torch.tensor(10))
        for rows in (slice(0, 7), slice(7, 10))
    ]
    torch.testing.assert_close(sum(parts), loss(outputs, LABELS))
    assert parts[0] != parts[1]


def test_half_precision_logits_are_summed_in_float32(outputs: SimpleNamespace) -> None:
    half = SimpleNamespace(logits=outputs.logits.bfloat16())
    loss = training_loss(None, label_smoothing=0)(half, LABELS)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, cross_entropy(half.logits.float(), LABELS))


def focal(logits: torch.Tensor, labels: torch.Tensor, gamma: float) -> torch.Tensor:
    """Equation 4 of Lin et al. 2017 for each row."""
    own = logits.softmax(dim=1)[torch.arange(len(labels)), labels]
    return -((1 - own) ** gamma) * own.log()


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_a_focal_loss_is_that_of_the_paper(outputs: SimpleNamespace, gamma: float) -> None:
    loss = training_loss(None, label_smoothing=0, focal_gamma=gamma)(outputs, LABELS)
    torch.testing.assert_close(loss, focal(outputs.logits, LABELS, gamma).mean())


def test_a_weight_is_the_alpha_of_the_focal_loss(outputs: SimpleNamespace) -> None:
    weights = [2.0, 0.5, 3.0]
    loss = training_loss(weights, label_smoothing=0, focal_gamma=2.0)(outputs, LABELS)
    expected = (torch.tensor(weights)[LABELS] * focal(outputs.logits, LABELS, 2.0)).mean()
    torch.testing.assert_close(loss, expected)


def test_the_focal_factor_multiplies_a_smoothed_row(outputs: SimpleNamespace) -> None:
    smoothed = cross_entropy(outputs.logits, LABELS, reduction="none", label_smoothing=0.1)
    own = outputs.logits.softmax(dim=1)[torch.arange(10), LABELS]
    loss = training_loss(None, label_smoothing=0.1, focal_gamma=2.0)(outputs, LABELS)
    torch.testing.assert_close(loss, (smoothed * (1 - own) ** 2).mean())


def test_at_gamma_zero_it_is_the_same_number(outputs: SimpleNamespace) -> None:
    for make, labels in ((training_loss, LABELS), (multi_label_loss, HELD)):
        plain = make(None, label_smoothing=0.1)(outputs, labels)
        assert torch.equal(make(None, label_smoothing=0.1, focal_gamma=0.0)(outputs, labels), plain)


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_rows_that_are_surely_right_have_finite_gradients(gamma: float, smoothing: float) -> None:
    for make, labels in (
        (training_loss, torch.tensor([0, 1])),
        (multi_label_loss, torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])),
    ):
        logits = torch.tensor([[300.0, -300.0, 0.0], [-300.0, 300.0, 0.0]], requires_grad=True)
        loss = make(None, label_smoothing=smoothing, focal_gamma=gamma)
        loss(SimpleNamespace(logits=logits), labels).backward()
        assert torch.isfinite(logits.grad).all()


def test_a_focal_loss_of_several_labels_has_a_factor_for_each_decision(
    outputs: SimpleNamespace,
) -> None:
    weights = [[1.0, 4.0], [0.5, 2.0], [3.0, 1.0]]
    plain = binary_cross_entropy_with_logits(outputs.logits, HELD, reduction="none")
    each = torch.tensor(weights)[torch.arange(3).expand(10, 3), HELD.long()]
    held = outputs.logits.sigmoid()
    own = torch.where(HELD == 1, held, 1 - held)
    loss = multi_label_loss(weights, label_smoothing=0, focal_gamma=2.0)(outputs, HELD)
    torch.testing.assert_close(loss, (plain * each * (1 - own) ** 2).mean())


HELD = (torch.rand(10, 3, generator=torch.Generator().manual_seed(1)) < 0.4).float()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_of_several_labels_it_is_torchs_mean_over_all_decisions(
    outputs: SimpleNamespace, smoothing: float
) -> None:
    loss = multi_label_loss(None, label_smoothing=smoothing)(outputs, HELD)
    smoothed = HELD * (1 - smoothing) + smoothing / 2
    torch.testing.assert_close(loss, binary_cross_entropy_with_logits(outputs.logits, smoothed))


def test_of_several_labels_each_side_of_each_has_its_weight(outputs: SimpleNamespace) -> None:
    weights = [[1.0, 4.0], [0.5, 2.0], [3.0, 1.0]]
    plain = binary_cross_entropy_with_logits(outputs.logits, HELD, reduction="none")
    each = torch.tensor(weights)[torch.arange(3).expand(10, 3), HELD.long()]
    loss = multi_label_loss(weights, label_smoothing=0)(outputs, HELD)
    torch.testing.assert_close(loss, (plain * each).mean())


def test_of_several_labels_a_smoothed_decision_has_the_weight_of_its_own_side(
    outputs: SimpleNamespace,
) -> None:
    weights, smoothed = [[1.0, 4.0], [0.5, 2.0], [3.0, 1.0]], HELD * 0.8 + 0.1
    plain = binary_cross_entropy_with_logits(outputs.logits, smoothed, reduction="none")
    each = torch.tensor(weights)[torch.arange(3).expand(10, 3), HELD.long()]
    loss = multi_label_loss(weights, label_smoothing=0.2)(outputs, HELD)
    torch.testing.assert_close(loss, (plain * each).mean())


def test_micro_batches_of_several_labels_add_up_to_the_whole_step(
    outputs: SimpleNamespace,
) -> None:
    loss = multi_label_loss([[1.0, 4.0], [0.5, 2.0], [3.0, 1.0]], label_smoothing=0.1)
    n_decisions = torch.tensor(HELD.numel())  # as Trainer counts what is not -100
    parts = [
        loss(part(outputs, rows), HELD[rows], num_items_in_batch=n_decisions)
        for rows in (slice(0, 7), slice(7, 10))
    ]
    torch.testing.assert_close(sum(parts), loss(outputs, HELD))


@pytest.mark.parametrize("n_rows", [3, 0])
def test_fillers_of_a_batch_count_nothing(outputs: SimpleNamespace, n_rows: int) -> None:
    several, one = HELD.clone(), LABELS.clone()
    several[n_rows:] = one[n_rows:] = -100
    n = torch.tensor(5)
    rows = slice(0, n_rows)
    for loss, labels in (
        (multi_label_loss([[1.0, 4.0]] * 3, label_smoothing=0.1), several),
        (training_loss([1.0, 2.0, 3.0], label_smoothing=0.1), one),
    ):
        outputs.logits = outputs.logits.detach().clone().requires_grad_()
        given = loss(outputs, labels, num_items_in_batch=n)
        given.backward()
        expected = loss(part(outputs, rows), labels[rows], num_items_in_batch=n)
        torch.testing.assert_close(given, expected)
        assert outputs.logits.grad[n_rows:].abs().max() == 0


def test_losses_are_read_in_order_and_once() -> None:
    unread = UnreadLosses()
    for step, value in enumerate([0.1, 0.2, 0.3], start=1):
        unread.add(torch.tensor(value), step=step)
    assert unread.read() == [torch.tensor(value).item() for value in (0.1, 0.2, 0.3)]
    assert unread.read() == []


def test_losses_of_sixteen_steps_are_enough_whatever_the_batches_of_a_step() -> None:
    unread, full = UnreadLosses(), []
    for step in range(33, 50):
        for _ in range(3):
            unread.add(torch.tensor(1.0), step=step)
        full.append(unread.is_full())
    assert full == [False] * 15 + [True] * 2
    assert len(unread.read()) == 51
    assert not unread.is_full()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_first_loss_that_is_not_finite_is_named(value: float) -> None:
    unread = UnreadLosses()
    for step, each in enumerate([0.5, value, float("nan"), 0.5], start=7):
        unread.add(torch.tensor(each), step=step)
    message = rf"^the training loss became {value} in optimizer step 8$"
    with pytest.raises(NonFiniteError, match=message):
        unread.read()
