"""A profile as plain values: explore.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from finesweep.dataset.profile.lengths import MEASURES, Measurements, summary, truncated_share
from finesweep.dataset.profile.profile import Profile

N_LISTED = 20
"""Maximum phrases of each kind and class; figures may show more."""
MAX_LENGTHS = (32, 64, 128, 256, 512)


def profile_json(profile: Profile, *, max_lengths: Sequence[int] = MAX_LENGTHS) -> dict[str, Any]:
    """The profile without the lengths of single texts, as plain values: explore.json."""
    return {
        "splits": {
            split: {"rows": profile.n_rows[split], "classes": _named(profile, counts.tolist())}
            for split, counts in profile.counts.items()
        },
        "lengths": {
            split: {name: _summaries(profile, measured[name]) for name in MEASURES}
            for split, measured in profile.lengths.items()
        },
        "special_tokens": profile.n_special,
        "cut": {
            split: _cuts(profile, measured["tokens"], max_lengths)
            for split, measured in profile.lengths.items()
        },
        "phrases": {
            name: _named(profile, [[asdict(each) for each in top[:N_LISTED]] for top in tops])
            for name, tops in profile.phrases.items()
        },
        "examples": _named(profile, [[asdict(each) for each in few] for few in profile.examples]),
        "notes": list(profile.notes),
    }


def _named(profile: Profile, values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(profile.label_names, values, strict=True))


def _summaries(profile: Profile, measured: Measurements) -> dict[str, Any]:
    each = [summary(measured.of(label)) for label in range(len(profile.label_names))]
    by_class = [None if one is None else asdict(one) for one in each]
    whole = summary(measured.values)
    return {"all": None if whole is None else asdict(whole), "classes": _named(profile, by_class)}


def _cuts(profile: Profile, tokens: Measurements, max_lengths: Sequence[int]) -> dict[str, Any]:
    def shares(values: np.ndarray) -> dict[str, float | None]:
        return {
            str(length): truncated_share(values, length, n_special=profile.n_special)
            for length in max_lengths
        }

    each = [shares(tokens.of(label)) for label in range(len(profile.label_names))]
    return {"all": shares(tokens.values), "classes": _named(profile, each)}
