"""Trains a run again as it was recorded, and compares the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from finesweep.api.caller import no_library_bars, preserve_caller
from finesweep.api.inputs import read_inputs
from finesweep.api.model_uri import require_store
from finesweep.api.text_lists import checked_texts
from finesweep.config import Composed, compose
from finesweep.errors import ConfigError, Problem
from finesweep.ledger import TimeLedger

if TYPE_CHECKING:
    from rich.console import Console

    from finesweep.runs.reproduction import Input, Reproduction

SECTIONS = ("tracking", "storage", "launcher")
"""Sections that a reproduction may set: where it runs and what it writes to."""


@preserve_caller()
def reproduce(run: str, overrides: Sequence[str] = (), *, progress: bool = True) -> Reproduction:
    """Trains a run again from its recorded config, seed, precision and threads, in a new run.

    The original, the registry and the count of test evaluations stay as they are.

    Args:
        run: An MLflow run id, its beginning, a run name, models:/NAME@ALIAS or
            models:/NAME/VERSION.
        overrides: Hydra overrides of tracking.…, storage.… or launcher.…
        progress: Shows a bar on a terminal and in a notebook with ipywidgets.

    Returns:
        A Reproduction; `verdict` is "equal", "within noise" or "differs", `changed` names the
        inputs that differ from the recorded ones.

    Raises:
        ConfigError: If there is no such run, or it cannot be trained again.
        FinesweepError: If the training fails.

    Example:
        >>> finesweep.reproduce("models:/tweets-sentiment@champion").verdict
    """
    from finesweep.api.progress import progress_console

    console = progress_console(progress)
    return run_reproduction(run, compose_stores(checked_texts(overrides)), console)


def compose_stores(overrides: Sequence[str]) -> Composed:
    """The config of now; ConfigError when an override would change the run itself."""
    problems = [
        Problem(path, f"is recorded; only {', '.join(f'{name}.…' for name in SECTIONS)} can be set")
        for text in overrides
        if (path := text.lstrip("+~").partition("=")[0]).partition(".")[0] not in SECTIONS
    ]
    if problems:
        raise ConfigError(*problems)
    return compose(overrides)


def run_reproduction(
    name: str,
    now: Composed,
    console: Console,
    *,
    on_ready: Callable[[], None] = lambda: None,
    on_inputs: Callable[[tuple[Input, ...]], None] = lambda inputs: None,
) -> Reproduction:
    """The comparison of the run that name means with its repetition; the bar is on console.

    on_ready is called once the slow imports are done, on_inputs with the inputs before training.
    """
    require_store(now.config.tracking.uri)

    from finesweep.report.compared_names import run_named
    from finesweep.tracking import open_store

    original = run_named(open_store(now.config.tracking), name)

    from finesweep.api.progress import bar
    from finesweep.runs.finetune import Watch
    from finesweep.runs.repetition import plan_repetition, repeat

    repetition, ledger = plan_repetition(original, now=now), TimeLedger()
    read_inputs(repetition.composed.config, ledger)
    on_ready()
    epochs = repetition.composed.config.training.epochs
    with no_library_bars(), bar(console, repetition.objective, epochs=epochs) as shown:
        return repeat(
            repetition,
            watch=Watch(shown.between_steps, lambda _: None, shown.evaluated, shown.stepped),
            on_inputs=on_inputs,
            ledger=ledger,
        )
