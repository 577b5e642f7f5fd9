"""Promotes a challenger to champion of a registered model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from finesweep.api.caller import preserve_caller
from finesweep.api.results import Promotion
from finesweep.api.text_lists import checked_texts
from finesweep.config import compose, require_model_name
from finesweep.errors import ConfigError, Problem, nearest

if TYPE_CHECKING:
    from finesweep.registry.rule import Mode

MODES = ("superiority", "non-inferiority")


@preserve_caller()
def promote(
    model: str,
    overrides: Sequence[str] = (),
    *,
    version: str | int | None = None,
    mode: Mode = "superiority",
    margin: float = 0.005,
    alpha: float = 0.05,
    dry_run: bool = False,
) -> Promotion:
    """Promotes the challenger if it passes every check; otherwise changes nothing.

    Args:
        model: Name of a registered model.
        overrides: Hydra overrides of registry.…, tracking.… or storage.…
        version: The version to promote; the one with alias challenger by default.
        mode: "superiority", or "non-inferiority" for a model that is cheaper and not worse.
        margin: Largest loss of accuracy under non-inferiority, in [0, 1).
        alpha: Significance level over all attempts, in (0, 0.5).
        dry_run: Decides without changing anything.

    Returns:
        A Promotion; `promoted` is the decision, `checks` has the reasons.

    Raises:
        ConfigError: If there is no such model or version, if it is already champion, or if an
            argument is out of range.

    Example:
        >>> finesweep.promote("tweets-sentiment", dry_run=True).promoted
    """
    if mode not in MODES:
        raise ConfigError(Problem("mode", f"{mode!r} given; {nearest(mode, MODES)}"))
    check_terms(margin=margin, alpha=alpha)
    require_model_name(model, field="model")
    config = compose(checked_texts(overrides)).config

    from finesweep.registry.promote import Terms
    from finesweep.registry.promote import promote as decide

    terms = Terms(mode, margin, alpha)
    number = None if version is None else str(version)
    verdict = decide(config, model, number=number, terms=terms, dry_run=dry_run, field="version")
    decision, champion = verdict.decision, verdict.champion
    return Promotion(
        model=model,
        version=verdict.challenger.number,
        champion=champion.number if champion else None,
        promoted=decision.promoted,
        checks=decision.checks,
        numbers=decision.numbers,
        rows_needed=decision.rows_needed,
    )


def check_terms(*, margin: float, alpha: float, prefix: str = "") -> None:
    """ConfigError if one is out of range; prefix is put before its name."""
    if not 0 < alpha < 0.5:
        message = f"{alpha} given; must be between 0 and 0.5"
        raise ConfigError(Problem(f"{prefix}alpha", message))
    if not 0 <= margin < 1:
        message = f"{margin} given; must be at least 0, below 1"
        raise ConfigError(Problem(f"{prefix}margin", message))
