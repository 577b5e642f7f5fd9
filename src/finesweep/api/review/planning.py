"""Plans a sweep: what it will take on this machine, before it is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from finesweep.api.caller import no_library_bars, preserve_caller
from finesweep.api.text_lists import checked_texts
from finesweep.config import compose_sweep

if TYPE_CHECKING:
    from finesweep.report.plan.records import Plan


@preserve_caller()
def plan(name: str, overrides: Sequence[str] = ()) -> Plan:
    """What a sweep will take on this machine, from a few training steps of each of its models.

    Creates no study and no MLflow run. Takes a few seconds per model and maximum length.

    Args:
        name: A file in ./sweeps, or a packaged sweep, as for `run_sweep`.
        overrides: Hydra overrides of the sweep and of its trials.

    Returns:
        A Plan with seconds, memory and cost for 1, 2, 4 and 8 workers, disk, the measured steps
        and warnings.

    Raises:
        ConfigError: If the sweep or its data are invalid.

    Example:
        >>> plan = finesweep.plan("demo", ["workers=2"])
        >>> plan.configured.seconds_pruned
    """
    from finesweep.report.plan.planning import plan_sweep

    composed = compose_sweep(name, checked_texts(overrides))
    with no_library_bars():
        return plan_sweep(composed)
