"""Alpha spent over repeated looks at one test set, so that their sum stays below alpha."""

from __future__ import annotations

import math


def alpha_of_look(alpha: float, look: int) -> float:
    """The part of alpha in (0, 1) that look number `look`, from 1 on, may spend.

    alpha * 6 / (pi * look)^2: over any number of looks the sum stays below alpha, and so, by
    Bonferroni, does the chance that any of them errs. The first look gets 61 % of it.
    """
    return alpha * 6 / (math.pi * look) ** 2
