"""Writes the dataset choice and the sweep of a user's file, both or neither."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finesweep.config import DatasetConfig, compose
from finesweep.config.overrides.grammar import parse_override
from finesweep.config.package_files import packaged_path
from finesweep.config.reference.files import schema_file
from finesweep.config.reference.json_schema import schema_of
from finesweep.disk import written_aside
from finesweep.errors import ConfigError, Problem
from finesweep.pairs import columns_of as texts_of
from finesweep.setup.new.hardware import Encoder, Hardware, encoders, hardware
from finesweep.setup.new.names import NewFiles, files_for
from finesweep.wording import counted_rows

if TYPE_CHECKING:
    import numpy as np

    from finesweep.setup.new.guess import Guess
    from finesweep.setup.new.sizes import Sizes

N_TEXTS = 2_000
"""Texts whose tokens are counted: enough for the lengths' quantiles."""
SEED = 0


@dataclass(frozen=True)
class New:
    """What was written, and why."""

    files: NewFiles
    guess: Guess
    sizes: Sizes
    encoders: tuple[Encoder, ...]
    origin: str
    hardware: Hardware


def new(name: str, data: str, overrides: Sequence[str] = (), *, force: bool = False) -> New:
    """Writes conf/dataset/NAME.yaml and sweeps/NAME.yaml for a file of texts and labels.

    overrides set fields of the dataset instead of guesses. ConfigError, and nothing is written,
    when the name does not fit or is taken, or the data cannot be trained on.
    """
    files = files_for(name, force=force)
    names = _given(overrides)
    config = compose(["dataset=local", *overrides]).config.dataset
    given = {name: getattr(config, name) for name in names}

    # Imported once names and fields are known to fit: what reads data takes a second to load.
    from finesweep.setup.new.guess import guess_dataset
    from finesweep.setup.new.sizes import sizes_for
    from finesweep.setup.new.texts import Search, dataset_text, sweep_text

    # Not by an override: there, ${…} in a file's name would be an interpolation.
    config = replace(config, path=data, name=name)
    try:
        guess = guess_dataset(config, given)
    except ConfigError as error:
        raise ConfigError(*map(_for_data, error.problems)) from None
    found, origin = encoders()
    machine = hardware()
    sizes = sizes_for(guess.n_rows, _tokens(guess, found[0]), found, machine)
    search = Search(name, sizes, found, origin, machine)
    _write(
        {
            files.dataset: dataset_text(*_fields(guess, given), purpose=_purpose(guess, data)),
            files.sweep: sweep_text(search),
        }
    )
    return New(files, guess, sizes, found, origin, machine)


def _given(overrides: Sequence[str]) -> list[str]:
    """The fields of the dataset that overrides set; ConfigError for any other field."""
    names = []
    for override in map(parse_override, overrides):
        path = override.key_or_group
        section, _, name = path.partition(".")
        if section != "dataset" or not name or override.is_sweep_override():
            message = "only fields of dataset can be given; edit the files for the rest"
            raise ConfigError(Problem(path, message))
        if name.split(".")[0] in ("path", "files", "name", "hub"):
            raise ConfigError(Problem(path, "is set by --data and NAME"))
        names.append(name.split(".")[0])
    return names


def _for_data(problem: Problem) -> Problem:
    return Problem("--data", problem.message) if problem.path == "dataset.path" else problem


def _tokens(guess: Guess, encoder: Encoder) -> np.ndarray:
    """[N] int, tokens of a sample of train's texts, special ones included."""
    import numpy as np
    from transformers import AutoTokenizer

    from finesweep.dataset.profile.lengths import token_lengths

    path = packaged_path(encoder.checkpoint, field="model")
    tokenizer = AutoTokenizer.from_pretrained(str(path))
    texts = guess.splits.frames["train"]["text"]
    sample = texts.sample(min(N_TEXTS, len(texts)), random_state=SEED).tolist()
    is_paired = guess.config.pair_column is not None
    columns = texts_of(sample, pairs=is_paired)
    n_special = tokenizer.num_special_tokens_to_add(pair=is_paired)
    lengths = [token_lengths(each, tokenizer) for each in columns]
    return np.asarray(sum(lengths) + n_special)


def _fields(guess: Guess, given: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, str]]:
    """The fields that differ from their defaults, or say which columns are what; and comments."""
    config, default = guess.config, DatasetConfig()
    always = {"name", "path"}
    always |= {"text_column"} if not config.text_columns else set()
    always |= {"label_column"} if not config.label_columns else set()
    names = [field.name for field in fields(DatasetConfig)]
    changed = {
        name: getattr(config, name)
        for name in names
        if name in always or name in given or getattr(config, name) != getattr(default, name)
    }
    if config.text_columns:
        changed.pop("text_column", None)
    changed.pop("files", None)
    return changed, guess.reasons


def _purpose(guess: Guess, data: str) -> str:
    rows = ", ".join(f"{counted_rows(n)} of {split}" for split, n in guess.n_rows.items())
    rows = counted_rows(guess.n_rows["train"]) if len(guess.n_rows) == 1 else rows
    kinds = ["pairs of texts"] if guess.config.pair_column else ["texts"]
    kinds += ["with several labels each"] if guess.splits.multi_label else []
    return f"{rows}: {' '.join(kinds)} from {Path(data).name!r}."


def _write(texts: Mapping[Path, str]) -> None:
    """Writes all files, once each can be; ConfigError when one cannot."""
    schemas = {
        Path(schema_file(name)): json.dumps(schema_of(name)) for name in ("dataset", "sweep")
    }
    try:
        for path in (*schemas, *texts):
            path.parent.mkdir(parents=True, exist_ok=True)
        for path, text in schemas.items():
            with written_aside(path) as aside:
                aside.write_text(text, encoding="utf-8")
        (first, one), (second, other) = texts.items()
        with written_aside(second) as aside_second, written_aside(first) as aside_first:
            aside_first.write_text(one, encoding="utf-8")
            aside_second.write_text(other, encoding="utf-8")
    except OSError as error:
        message = f"cannot be written: {error.strerror or error}"
        raise ConfigError(Problem(str(error.filename or "files"), message)) from error
