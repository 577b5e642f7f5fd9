"""Trainings on two ranks, each in a process of its own, forked from the session's warm one.

A test starts a scenario with `played`: rank 0 runs one of the functions below and says in a file
what came of it. Its follower may be broken on purpose.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finesweep.config import Composed, compose
from finesweep.dataset import load_dataset
from finesweep.ledger import TimeLedger
from finesweep.records import Evaluation, Objective
from finesweep.runs.preparation import model_of, tokens_of
from finesweep.runs.ranks import Followers, order_of, training_ranks
from finesweep.sweep.launchers.rank_process import COMMAND, RankProcess, start_rank
from finesweep.sweep.signals import deferred_signals
from finesweep.sweep.worker.checkpoints import SlotCheckpoints, newest_whole
from finesweep.training import fit
from tests.warm import Command, forked

SETTINGS = (
    "dataset=local",
    "dataset.path=texts.csv",
    "dataset.train_size=43",
    "dataset.max_length=16",
    "model.name_or_path=bert",
    "training.epochs=2",
    "training.batch_size=7",  # not a multiple of two, and an epoch ends with a batch of one row
    "training.gradient_accumulation_steps=2",
    "training.learning_rate=0.005",
    "training.evaluations_per_epoch=1",
    "training.evaluation_batch_size=10",  # three batches
    "training.precision=fp32",
)
FAULTS = ("load", "forward", "backward", "kill", "none")
SAID = "said.json"


def played(scenario: str, folder: Path) -> Command:
    """The started process of rank 0; its output is in log.txt."""
    code = f"from tests import ranks; ranks.play({scenario!r})"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return forked(
        [sys.executable, "-c", code],
        environment=environment,
        folder=folder,
        log=folder / "log.txt",
    )


def said(scenario: str, folder: Path) -> Any:
    """What a scenario said at its end, which must be a good one."""
    code = played(scenario, folder).wait(120)
    assert code == 0, (folder / "log.txt").read_text()
    return json.loads((folder / SAID).read_text())


def play(scenario: str) -> None:
    Path(SAID).write_text(json.dumps(globals()[f"_{scenario}"]()))


@dataclass
class Training:
    """A run on as many ranks as there are followers, and one."""

    followers: Followers | None = None
    composed: Composed = field(default_factory=lambda: compose(SETTINGS))
    on_step: Callable[[int], None] = lambda seen: None
    ledger: TimeLedger = field(default_factory=TimeLedger)

    def run(self, **given: Any) -> list[list[float]]:
        """Step, losses and share of padding of each evaluation."""
        config, resume = self.composed.config, given.get("resume")
        if self.followers is not None:
            self.followers.prepare(order_of(self.composed, Objective(), resume))
        dataset = load_dataset(config.dataset)
        model, tokenizer, _ = model_of(dataset, config)
        tokens = tokens_of(dataset, tokenizer, config)
        with training_ranks(self.followers, lambda: None, self.ledger) as ranks:
            result = fit(
                model,
                tokens,
                config.training,
                objective=Objective(),
                on_evaluation=lambda evaluation: None,
                on_step=lambda seen, total: self.on_step(seen),
                ledger=self.ledger,
                ranks=ranks,
                **given,
            )
        return [_numbers(evaluation) for evaluation in result.evaluations]


def _numbers(evaluation: Evaluation) -> list[float]:
    metrics = evaluation.metrics
    return [
        evaluation.step,
        *(metrics[name] for name in ("train/loss", "validation/loss", "train/padding_fraction")),
    ]


def _two(processes: list[RankProcess], command: tuple[str, ...] = COMMAND) -> Followers:
    """Two ranks, of which the other's processes are kept here."""

    def start(end: Any) -> RankProcess:
        processes.append(start_rank(end, command))
        return processes[-1]

    return Followers(2, start)


def _equal() -> Any:
    """The same run on one rank and on two, without dropout."""
    alone, together = Training(), Training(_two([]))
    results = [alone.run(), together.run()]
    assert together.followers is not None
    together.followers.close()
    counts = [(each.ledger.n_examples, each.ledger.n_tokens) for each in (alone, together)]
    return {"results": results, "counts": counts, "environment": os.environ.get("WORLD_SIZE")}


def _resumed() -> Any:
    """A run with dropout, and the same ended by SIGTERM in the sixth of eight steps and resumed."""
    processes: list[RankProcess] = []
    followers, committed = _two(processes), list[int]()
    whole = Training(followers).run()
    with deferred_signals() as interruption:
        checkpoints = SlotCheckpoints(
            Path("slot"),
            1,
            period_seconds=3600,
            is_interrupted=lambda: interruption.requested,
            on_commit=committed.append,
            on_wait=lambda why: None,
        )
        n_steps = 0

        def stepped(seen: int) -> None:
            nonlocal n_steps
            interruption.check()
            n_steps += 1
            if n_steps == 5:
                os.kill(os.getpid(), signal.SIGTERM)

        try:
            Training(followers, on_step=stepped).run(checkpoints=checkpoints)
        except KeyboardInterrupt:
            ending = "interrupted"
    resumed = Training(followers).run(resume=newest_whole(Path("slot")))
    followers.close()
    alone = Training().run(resume=newest_whole(Path("slot")))
    return {
        "whole": whole,
        "ending": ending,
        "committed": committed,
        "resumed": resumed,
        "alone": alone,
        "n_started": len(processes),
    }


def _faults() -> Any:
    """What becomes of runs whose follower fails in one way or another, and how many followers had
    been started by then."""
    processes: list[RankProcess] = []
    code = "from tests import ranks; ranks.follow_badly()"
    followers, endings = _two(processes, (sys.executable, "-c", code)), list[list[Any]]()
    for fault in FAULTS:
        Path("fault").write_text(fault)
        try:
            ending = str(len(Training(followers).run()))
        except Exception as error:
            ending = f"{type(error).__name__}: {error}"
        endings.append([fault, ending, len(processes)])
    followers.close()
    return endings


def _orphaned() -> Any:
    """Rank 0 is killed in its third step; before, it says who its follower is."""
    processes: list[RankProcess] = []
    n_steps = 0

    def stepped(seen: int) -> None:
        nonlocal n_steps
        n_steps += 1
        if n_steps == 3:
            Path("follower").write_text(str(processes[0].pid))
            os.kill(os.getpid(), signal.SIGKILL)

    Training(_two(processes), on_step=stepped).run()


def follow_badly() -> None:
    """A follower that fails in a run's second batch or as it loads it: the file `fault` says."""
    import accelerate
    import transformers

    from finesweep.cli.startup import rank
    from finesweep.runs.ranks import following

    n_calls = 0

    def broken(fault: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal n_calls
            now = Path("fault").read_text()
            if fault == "load":
                n_calls = 0
            n_calls += fault == "forward"
            if fault == now and (fault == "load" or n_calls == 2):
                raise ValueError(f"no luck in {fault}")
            if (fault, now, n_calls) == ("forward", "kill", 2):
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)

        return call

    places = {
        "load": (following, "load_dataset"),
        "forward": (transformers.Trainer, "compute_loss"),
        "backward": (accelerate.Accelerator, "backward"),
    }
    for fault, (owner, name) in places.items():
        setattr(owner, name, broken(fault, getattr(owner, name)))
    rank.main()
