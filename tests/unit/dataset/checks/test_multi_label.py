"""Checks of texts with several labels: each label is checked separately."""

from __future__ import annotations

import random
from collections.abc import Mapping

import numpy as np
import pandas as pd
from tests.labelled import PLAIN

from finesweep.dataset.checks import examine
from finesweep.dataset.checks.balance import find_imbalance
from finesweep.dataset.checks.conflicts import find_conflicts
from finesweep.dataset.checks.drift import find_drift
from finesweep.dataset.checks.label_noise import find_label_noise
from finesweep.dataset.checks.languages import find_languages
from finesweep.dataset.labels.values import STRATUM
from finesweep.labelsets import encode_sets
from finesweep.records import SplitName, Splits

NAMES = ("rude", "funny", "loud")
TELLING = ("idiot", "joke", "shouted")
FOREIGN = (
    "Der Hund läuft durch den großen Garten und sucht Nummer {} seiner Knochen unter dem Baum",
    "Am Abend saßen wir lange am Fluss und sprachen {} Stunden über die alten Zeiten im Dorf",
)
Held = list[tuple[str, tuple[int, ...]]]


def drawn(n: int, *, seed: int, odds: tuple[float, ...] = (0.5, 0.5, 0.5)) -> Held:
    """Sentences with a word for each of their labels."""
    rng = random.Random(seed)
    rows = []
    for _ in range(n):
        held = tuple(int(rng.random() < each) for each in odds)
        words = [*rng.choices(PLAIN, k=12), *(w for w, h in zip(TELLING, held, strict=True) if h)]
        rng.shuffle(words)
        rows.append((" ".join(words), held))
    return rows


def splits_of(rows: Mapping[SplitName, Held]) -> Splits:
    frames = {}
    for split, some in rows.items():
        texts, held = zip(*some, strict=True)
        numbers = encode_sets(np.array(held))
        frames[split] = pd.DataFrame({"text": texts, "label": numbers, STRATUM: 0})
        frames[split].index = pd.RangeIndex(1, len(some) + 1)
    return Splits(frames, frames, NAMES, notes=(), multi_label=True)


def clean(n: int = 150) -> dict[SplitName, Held]:
    splits: tuple[SplitName, ...] = ("train", "validation", "test")
    return {split: drawn(n, seed=seed) for seed, split in enumerate(splits)}


def test_clean_texts_with_several_labels_have_no_finding() -> None:
    assert examine(splits_of(clean())) == ()


def test_a_rare_label_is_found_with_its_rows() -> None:
    rows = clean()
    rows["test"] = [
        (text, (*held[:2], int(k in (3, 40)))) for k, (text, held) in enumerate(rows["test"])
    ]
    (finding,) = find_imbalance(splits_of(rows))
    assert finding.rows == (("test", 4), ("test", 41))
    assert finding.message.startswith(
        "class 'loud' has fewer than 10 rows of test (the rarest has 2"
    )


def test_a_label_that_test_lacks_is_a_warning() -> None:
    rows = clean()
    rows["test"] = [(text, (0, *held[1:])) for text, held in rows["test"]]
    (finding,) = find_imbalance(splits_of(rows))
    assert finding.severity == "warning"
    assert finding.message.startswith("class 'rude' is in train but not in test")


def test_a_text_with_two_sets_is_a_conflict() -> None:
    rows = clean()
    text, held = rows["train"][6]
    rows["train"][20] = (text, (1 - held[0], *held[1:]))
    (finding,) = find_conflicts(splits_of(rows))
    assert finding.rows == (("train", 7), ("train", 21))


def test_the_label_that_shifts_most_is_reported() -> None:
    rows = {**clean(400), "test": drawn(400, seed=9, odds=(0.5, 0.1, 0.4))}
    finding = find_drift(splits_of(rows))[0]
    assert finding.severity == "warning"
    assert "'funny' is 52 % of train and 10 % of test" in finding.message


def test_a_wrong_label_is_found_under_its_own_name() -> None:
    rows = clean()
    planted: list[tuple[SplitName, int]] = [("train", 7), ("train", 100), ("test", 42)]
    for split, place in planted:
        text, held = rows[split][place]
        rows[split][place] = (text, (*held[:2], 1 - held[2]))
    (finding,) = find_label_noise(splits_of(rows))
    assert sorted(finding.rows) == sorted((split, place + 1) for split, place in planted)
    assert "loud'" in finding.message
    assert finding.severity == "note"


def test_a_language_that_always_has_a_label_is_a_shortcut() -> None:
    rows = clean()
    rows["train"][:30] = [(FOREIGN[k % 2].format(k), (1, k % 2, 0)) for k in range(30)]
    findings = find_languages(splits_of(rows))
    (shortcut,) = [each for each in findings if "predict it from the language" in each.message]
    assert "30 of 30 texts in de have the label 'rude'" in shortcut.message
