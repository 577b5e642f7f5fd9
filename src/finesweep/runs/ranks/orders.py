"""What rank 0 tells the others, as plain data: the run to train, and how it went."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from finesweep.config import Composed
from finesweep.errors import ConfigError, FinesweepError, NonFiniteError, Problem, reason
from finesweep.records import Objective
from finesweep.training import resolve_precision


class RankError(FinesweepError, RuntimeError):
    """An error of another rank, named with its number and its type."""


class LostRankError(FinesweepError, ConnectionError):
    """Another rank's process has died, as when it is killed: not the fault of what it trained."""


@dataclass(frozen=True)
class Order:
    """A run to train together with rank 0."""

    config: str
    """The composed config as YAML."""
    objective: Objective
    resume: str | None
    """Folder of the checkpoint to resume from."""

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def order_of(composed: Composed, objective: Objective, resume: Path | None) -> Order:
    """The order to train a run, with rank 0's precision: each rank would measure its own."""
    training = composed.config.training
    same = replace(training, precision=resolve_precision(training.precision))
    config = replace(composed.config, training=same)
    return Order(
        replace(composed, config=config).yaml(), objective, None if resume is None else str(resume)
    )


def order_in(plain: Mapping[str, Any]) -> Order:
    """The order of Order.plain."""
    return Order(plain["config"], Objective(**plain["objective"]), plain["resume"])


def plain_failure(error: BaseException) -> dict[str, Any]:
    """An error as plain data, for error_in."""
    plain: dict[str, Any] = {
        "type": type(error).__name__,
        "reason": reason(error),
        "traceback": "".join(traceback.format_exception(error)),
    }
    if isinstance(error, ConfigError):
        plain["problems"] = [[problem.path, problem.message] for problem in error.problems]
    if isinstance(error, OSError):
        plain["errno"] = error.errno
    return plain


def error_in(plain: Mapping[str, Any], *, rank: int) -> Exception:
    """The error of another rank, as far as its kind decides what becomes of the run; the other
    rank's traceback is its note."""
    error = _error(plain, f"rank {rank}: {plain['reason']}")
    error.add_note(f"on rank {rank}:\n{plain['traceback']}")
    return error


def _error(plain: Mapping[str, Any], message: str) -> Exception:
    if "problems" in plain:
        return ConfigError(*(Problem(path, text) for path, text in plain["problems"]))
    if plain["type"] == NonFiniteError.__name__:
        return NonFiniteError(message)
    if plain["type"] in ("MemoryError", "OutOfMemoryError"):
        return MemoryError(message)
    if plain.get("errno") is not None:
        return OSError(plain["errno"], message)
    return RankError(message)
