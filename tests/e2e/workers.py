"""Workers that are forked from one warm process, and may be broken on purpose at one place.

`finesweep work` itself, but for the seconds of its imports; each in the project's folder.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import psutil

from tests.e2e.conftest import Project
from tests.exhaustion import find_no_kernel
from tests.warm import Command, forked

Break = tuple[str, str, str]
"""Module, dotted name in it, and what becomes of its call: killed before it or after it,
hung, or, of a training step: starve, where a batch of more than ENOUGH_ROWS gets hardly any memory,
or exhaust, where oneDNN finds none."""
SECONDS = 600.0
ENOUGH_ROWS = 64
HUNGER_BYTES = 16 * 1024**2
"""A tenth of what one step on 256 texts takes."""


def begin(project: Project, *overrides: str) -> None:
    """Makes the sweep's study and parent run, as a coordinator does before it starts workers."""
    assert code_of(begin_soon(project, *overrides)) == 0


def begin_soon(project: Project, *overrides: str) -> Command:
    return _started(project, "_begin", list(overrides))


def work(project: Project, *overrides: str, broken: Break | None = None) -> Command:
    """A started worker; its output is in worker.log of the project."""
    return _started(project, "_work", list(overrides), broken)


def code_of(process: Command) -> int:
    """The exit code, -9 when it was killed; waits for its end."""
    return process.wait(SECONDS)


def _started(project: Project, function: str, *arguments: object) -> Command:
    code = f"from tests.e2e import workers; workers.{function}(*{arguments!r})"
    return forked(
        [sys.executable, "-c", code],
        environment=project.environment,
        folder=project.folder,
        log=project.folder / "worker.log",
    )


def _starved(step: Callable[..., Any], trainer: Any, model: Any, inputs: Any, *rest: Any) -> Any:
    """What a training step returns. Where its batch is large, it may have HUNGER_BYTES of address
    space more than there is now."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    if len(inputs["input_ids"]) > ENOUGH_ROWS:
        least = psutil.Process().memory_info().vms + HUNGER_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (least, limits[1]))
    try:
        return step(trainer, model, inputs, *rest)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def _begin(overrides: list[str]) -> None:
    from finesweep.config import compose_sweep
    from finesweep.sweep.parent_run import parent_of
    from finesweep.sweep.study.study import open_study

    plan = compose_sweep("small", overrides)
    with parent_of(plan, open_study(plan)):
        pass


def _work(overrides: list[str], broken: Break | None) -> None:
    from finesweep.cli import main

    if broken is not None:
        _break(*broken)
    main(["work", "small", *overrides])


def _break(module: str, name: str, when: str) -> None:
    """From now on a call of module.name ends as `when` says."""
    owner: Any = import_module(module)
    *path, last = name.split(".")
    for each in path:
        owner = getattr(owner, each)
    original = getattr(owner, last)

    def fatal(*args: Any, **kwargs: Any) -> None:
        while when == "hang":
            time.sleep(1)
        if when == "after":
            original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    def starved(*args: Any) -> Any:
        return _starved(original, *args)

    others = {"starve": starved, "exhaust": find_no_kernel}
    setattr(owner, last, others.get(when, fatal))
