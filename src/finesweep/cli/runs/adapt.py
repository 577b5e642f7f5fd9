"""`finesweep adapt [OVERRIDE…]`: continue a model's pretraining on the dataset's own text."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from finesweep.api.inputs import read_inputs
from finesweep.cli.arguments.compose_args import composed_from
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import Composed, override_path
from finesweep.errors import ConfigError
from finesweep.ledger import TimeLedger
from finesweep.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from finesweep.records import Evaluation
    from finesweep.runs.adapt import Material
    from finesweep.runs.adapted_models import Adaptation
    from finesweep.training import Chunks, Guess

EXAMPLES = """
examples:
  finesweep adapt training.epochs=1
  finesweep adapt dataset=imdb model=distilbert training.learning_rate=5e-5
  finesweep adapt 'adapt.probe="What a [MASK] day!"' adapt.folder=mlruns/adapted/mine

adapt uses these fields of training: learning_rate, layer_decay, epochs, the batch sizes, optimizer,
scheduler, weight_decay, warmup_ratio, max_grad_norm, precision, seed and evaluations_per_epoch.
Fields about labels, and about keeping the best checkpoint, have no effect.
"""
NEW_HEAD = """\
the checkpoint has no masked-language-model head: a new one, initialised at random, is trained too,
so the perplexity before training says nothing about the encoder"""
FORWARDED = ("dataset", "tracking", "storage")
"""Sections whose overrides the suggested `finesweep train` repeats."""


def run(arguments: Sequence[str]) -> int:
    composed = composed_from("adapt", arguments, examples=EXAMPLES)
    if composed is not None:
        silence_libraries()
        _adapt(composed)
    return 0


def _adapt(composed: Composed) -> None:
    ledger = TimeLedger()
    read_inputs(composed.config, ledger)

    from finesweep.api.console import screen
    from finesweep.api.progress import bar
    from finesweep.model import limit_problems
    from finesweep.records import Objective
    from finesweep.runs.adapt import AdaptationWatch, run_adaptation
    from finesweep.training import Schedule, run_schedule

    collector.resume()
    console, config = screen(), composed.config
    encoder = replace(config.model, pooling=None, lora_rank=None)
    decay = config.training.layer_decay
    problems = limit_problems([(encoder, config.dataset.max_length)], layer_decay=decay)
    if problems:
        raise ConfigError(*problems)
    schedules: list[Schedule] = []

    def on_start(material: Material) -> None:
        schedules.append(run_schedule(config.training, len(material.train.rows)))
        _print_start(console, material)

    with bar(console, Objective()) as progress:

        def on_evaluation(evaluation: Evaluation) -> None:
            progress.evaluated(evaluation)
            (by_chunks,) = schedules[0].at_examples_seen([evaluation])
            _say(console, _evaluation_line(by_chunks))

        watch = AdaptationWatch(
            on_start=on_start,
            on_evaluation=on_evaluation,
            on_step=progress.stepped,
        )
        adaptation, is_reused = run_adaptation(composed, watch=watch, ledger=ledger)
    if is_reused:
        _say(console, f"already done: {adaptation.folder} holds this adaptation")
    _print_outcome(console, adaptation)
    _print_next(console, adaptation, composed.overrides)


def _print_start(console: Console, material: Material) -> None:
    setup = material.setup
    for note in setup.dataset.notes:
        _say(console, f"data: {note}")
    length = setup.tokens.max_length
    _say(console, f"train:      {_chunk_counts(material.train, length)}")
    _say(console, f"validation: {_chunk_counts(material.validation, length)}")
    if material.masked.has_new_head:
        _say(console, NEW_HEAD)


def _chunk_counts(chunks: Chunks, length: int) -> str:
    texts, rows = counted(chunks.n_texts, "text"), counted(len(chunks.rows), "chunk")
    return f"{texts}, {counted(chunks.n_tokens, 'token')} in {rows} of {length}"


def _evaluation_line(evaluation: Evaluation) -> str:
    metrics = evaluation.metrics
    line = (
        f"after {evaluation.step:>7,} chunks (epoch {evaluation.epoch:.2f}): validation loss "
        f"{metrics['validation/loss']:.4f}, perplexity {metrics['validation/perplexity']:,.2f}"
    )
    train_loss = metrics.get("train/loss")
    return line if train_loss is None else f"{line}; train loss {train_loss:.4f}"


def _print_outcome(console: Console, adaptation: Adaptation) -> None:
    before, after = adaptation.perplexities
    _say(console, f"validation perplexity {before:,.2f} → {after:,.2f}")
    _say(console, f"\n{adaptation.probe}")
    _say(console, f"  before  {_token_list(adaptation.before)}")
    _say(console, f"  after   {_token_list(adaptation.after)}")
    _say(console, f"\nadapted model: {adaptation.folder}")


def _token_list(guesses: Sequence[Guess]) -> str:
    return "  ".join(f"{guess.token} {guess.probability:.3f}" for guess in guesses)


def _print_next(console: Console, adaptation: Adaptation, overrides: Sequence[str]) -> None:
    start = ["model=checkpoint", f"model.name_or_path={adaptation.folder}"]
    forwarded = [text for text in overrides if override_path(text).split(".")[0] in FORWARDED]
    command = shlex.join(["finesweep", "train", *start, *forwarded])
    _say(console, f"\nnext:\n  {command}\n  finesweep ui")


def _say(console: Console, text: str) -> None:
    # Without markup: rich would take the [mask] of a probe for a style.
    console.print(text, soft_wrap=True)
