"""One fine-tuning run, tracked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from finesweep.api.caller import no_library_bars, preserve_caller
from finesweep.api.inputs import read_inputs
from finesweep.api.results import TrainingRun
from finesweep.api.text_lists import checked_texts
from finesweep.config import Composed, compose
from finesweep.ledger import TimeLedger
from finesweep.records import Objective

if TYPE_CHECKING:
    from rich.console import Console

    from finesweep.runs.finetune import Trained
    from finesweep.runs.run_logging import Setup
    from finesweep.tracking import Run


@preserve_caller()
def train(overrides: Sequence[str] = (), *, progress: bool = True) -> TrainingRun:
    """Fine-tunes one model, tracked in MLflow.

    Args:
        overrides: Hydra overrides, as for `finesweep train`.
        progress: Shows a bar on a terminal and in a notebook with ipywidgets, and prints a line
            for each evaluation elsewhere, to standard error.

    Returns:
        A TrainingRun with run id, scores of the best checkpoint and the model's URI.

    Raises:
        ConfigError: Before training, if an override, the data, the model or the store is invalid.
        FinesweepError: If the run fails; MLflow shows it as failed.

    Example:
        >>> run = finesweep.train(["model=minilm", "training.epochs=1"])
        >>> run.scores["test/accuracy"]
    """
    from finesweep.api.progress import progress_console

    run_id, trained = run_training(compose(checked_texts(overrides)), progress_console(progress))
    result, test = trained.result, trained.test
    (best,) = trained.setup.schedule.at_examples_seen([result.best])
    return TrainingRun(
        run_id=run_id,
        scores=_scores({**result.best.metrics, **(test.metrics if test else {})}),
        best_step=best.step,
        stopped_early=result.stopped_early,
        model_uri=test.model_uri if test else None,
    )


def _scores(metrics: Mapping[str, float]) -> dict[str, float]:
    """The scores of whole splits, without those of a pruning sample."""
    return {
        name: value
        for name, value in metrics.items()
        if name.startswith(("validation/", "test/")) and "/pruning_" not in name
    }


def run_training(
    composed: Composed, console: Console, *, on_ready: Callable[[], None] = lambda: None
) -> tuple[str, Trained]:
    """The MLflow run's id, and its result; progress is shown on console.

    on_ready is called once the slow imports are done.
    """
    config, ledger, objective = composed.config, TimeLedger(), Objective()
    read_inputs(config, ledger)

    from finesweep.api.console import say
    from finesweep.api.progress import bar
    from finesweep.model import load_config
    from finesweep.runs.finetune import Watch, run_finetuning
    from finesweep.runs.run_logging import tracked_run
    from finesweep.sweep.launchers.rank_process import followers_of
    from finesweep.tracking.environment.system_metrics import missing_package

    on_ready()
    if missing := missing_package(config.tracking):
        say(console, missing)
    run_ids: list[str] = []

    @contextmanager
    def record(setup: Setup) -> Iterator[Run]:
        with tracked_run(setup, tags={"finesweep.kind": "train"}, ledger=ledger) as run:
            run_ids.append(run.run_id)
            yield run

    load_config(config.model)  # an unknown name is reported before the data are read
    progress = bar(console, objective, epochs=config.training.epochs, in_log=True)
    with no_library_bars(), followers_of(config.launcher) as followers, progress as shown:
        trained = run_finetuning(
            composed,
            objective=objective,
            record=record,
            watch=Watch(
                on_stage=shown.between_steps,
                on_evaluation=shown.evaluated,
                on_step=shown.stepped,
            ),
            ledger=ledger,
            followers=followers,
        )
    return run_ids[0], trained
