from __future__ import annotations

import random

import numpy as np
import pytest

from finesweep.dataset.checks import minhash as module
from finesweep.dataset.checks.minhash import (
    best_pairs,
    candidate_pairs,
    jaccard,
    signatures,
    similarities,
)

RNG = random.Random(0)
WORD = "".join(RNG.choices("abcdefghij", k=400))


def test_a_signature_is_datasketchs_for_the_same_shingles() -> None:
    """First and last hash, and the sum of all, by `datasketch.MinHash(num_perm=60)` of 2.0.0."""
    known = {
        "short": (414_152_849, 574_252_073, 115_884_103_029),
        "sixsix": (1_659_704_596, 1_122_215_906, 89_771_837_960),
        "the quick brown fox jumps over": (59_327_955, 55_631_766, 7_627_501_532),
        "日本語の文章です": (2_808_869_656, 369_844_381, 58_403_085_535),
        "😀abcd": (2_627_874_752, 137_132_710, 132_204_490_945),
    }
    matrix = signatures(list(known)).astype(np.int64)
    ends = [(int(each[0]), int(each[-1]), int(each.sum())) for each in matrix]
    assert ends == list(known.values())


def test_signatures_do_not_depend_on_the_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [WORD[: RNG.randrange(5, 300)] for _ in range(40)]
    whole = signatures(texts)
    monkeypatch.setattr(module, "CHARACTERS_AT_ONCE", 256)
    assert np.array_equal(signatures(texts), whole)


def test_estimates_come_near_the_true_similarity() -> None:
    other = WORD[:360] + WORD[:40].upper()
    matrix = signatures([WORD, other])
    estimate = similarities(matrix, np.array([0]), np.array([1]))[0]
    assert jaccard(WORD, other) == pytest.approx(0.8, abs=0.03)
    assert estimate == pytest.approx(jaccard(WORD, other), abs=0.15)


def test_duplicates_are_paired_along_a_line_and_not_all_with_all() -> None:
    pairs = set()
    for earlier, later, _ in candidate_pairs(signatures([WORD] * 100), min_similarity=0.65):
        assert (earlier < later).all()
        assert len(set(later.tolist())) == len(later)
        pairs |= set(zip(earlier.tolist(), later.tolist(), strict=True))
    assert {later for _, later in pairs} == set(range(1, 100))
    assert len(pairs) < 400


def test_the_best_pairs_of_all_steps_are_the_best_of_all_candidates() -> None:
    texts = [
        "".join(RNG.choice("xyz") if RNG.random() < 0.03 else each for each in WORD[:120])
        for _ in range(60)
    ]
    matrix, parts = signatures(texts), np.array(RNG.choices(range(3), k=60))
    best: dict[tuple[int, int], tuple[float, int]] = {}
    n_pairs = 0
    for step in candidate_pairs(matrix, min_similarity=0.65):
        for earlier, later, share in zip(*(each.tolist() for each in step), strict=True):
            place = int(parts[earlier]), later
            best[place] = max(best.get(place, (0.0, -1)), (share, earlier))
            n_pairs += 1
    expected = sorted((share, earlier, later) for (_, later), (share, earlier) in best.items())
    earlier, later, shares = best_pairs(matrix, parts, n_parts=3, min_similarity=0.65)
    assert list(zip(shares.tolist(), earlier.tolist(), later.tolist(), strict=True)) == expected
    assert 60 < len(expected) < n_pairs / 2
    assert shares.tolist() == similarities(matrix, earlier, later).tolist()
