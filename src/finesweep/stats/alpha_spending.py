"""How alpha is spent over several looks at one test set, so that all together stay below it."""

from __future__ import annotations

import math


def alpha_of_look(alpha: float, look: int) -> float:
    """What the look of this number, from 1 on, may use of alpha in (0, 1).

    alpha * 6 / (pi * look)^2: over any number of looks the sum stays below alpha, and so, by
    Bonferroni, does the chance that any of them errs. The first has 61 % of it.
    """
    return alpha * 6 / (math.pi * look) ** 2
