"""The YAML of a new dataset choice and of its sweep, with comments that say what was guessed.

Names and labels come from the user's file and may hold any character: values are quoted, and
comments are one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from finesweep.config.overrides.mapping_texts import Dumper
from finesweep.config.reference.files import schema_line
from finesweep.setup.new.hardware import Encoder, Hardware
from finesweep.setup.new.sizes import MINUTES, Sizes

Line = tuple[str, Any, str]
"""A field, its value and a comment, which may be empty."""
INTERPOLATION = re.compile(r"(\\*)\$\{")
"""The start of an interpolation, with the backslashes before it."""
WIDTH = 34
"""Column of the comments."""


@dataclass(frozen=True)
class Search:
    """What the text of a new sweep says."""

    name: str
    sizes: Sizes
    encoders: Sequence[Encoder]
    origin: str
    """Where these encoders come from."""
    hardware: Hardware


def dataset_text(fields: Mapping[str, Any], comments: Mapping[str, str], *, purpose: str) -> str:
    """conf/dataset/NAME.yaml: the fields, each with its comment."""
    name = fields["name"]
    lines = [
        f"# {purpose}   finesweep explore dataset={name}",
        schema_line("dataset", depth=2),
        *(_line((field, value, comments.get(field, ""))) for field, value in fields.items()),
    ]
    return "\n".join(lines) + "\n"


def sweep_text(search: Search) -> str:
    """sweeps/NAME.yaml: budget, fixed values, space, confirmation and registration."""
    models = ", ".join(encoder.choice for encoder in search.encoders)
    lines = [
        "# @package sweep",
        f"# {' or '.join(e.choice for e in search.encoders)} for {search.name}?   "
        f"finesweep sweep {search.name}",
        schema_line("sweep", depth=1),
        *_budget(search),
        "params:",
        _line(("  dataset", search.name, "")),
        *map(_line, _fixed(search.sizes)),
        _line(("  model", Bare(f"choice({models})"), search.origin)),
        *map(_line, _space(search)),
        "when:",
        *(line for encoder in search.encoders for line in _frozen(encoder)),
        _line(
            (
                "confirm",
                Bare("{top_k: 2, seeds: 2}"),
                "the best two are retrained with fresh seeds; the better mean wins",
            )
        ),
        _line(("register", Bare(f"{{name: {search.name}, alias: challenger}}"), "")),
    ]
    return "\n".join(lines) + "\n"


class Bare(str):
    """A value that is YAML already."""


def _line(line: Line) -> str:
    field, value, comment = line
    text = f"{field}: {value if isinstance(value, Bare) else scalar(value)}"
    return f"{text:<{WIDTH}}  # {comment}" if comment else text


def scalar(value: Any) -> str:
    """One line of YAML for a value; OmegaConf's interpolations in strings stay texts."""
    text = _dumped(value, style=None)
    return text if len(text.splitlines()) == 1 else _dumped(value, style='"')


def _dumped(value: Any, *, style: str | None) -> str:
    text: str = yaml.dump(
        _escaped(value),
        Dumper=Dumper,
        default_style=style,
        default_flow_style=True,
        width=float("inf"),
        allow_unicode=True,
        sort_keys=False,
    )
    return text.removesuffix("...\n").strip()


def _escaped(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(item) for item in value]
    return INTERPOLATION.sub(r"\1\1\\${", value) if isinstance(value, str) else value


def _budget(search: Search) -> Iterable[str]:
    minutes = max(1, round(search.sizes.minutes))
    if search.sizes.n_trials is not None:
        about = f"in total; about {minutes} min on {search.hardware}, roughly"
        return [_line(("n_trials", search.sizes.n_trials, about))]
    return [
        _line(("n_trials", None, "as many as fit into the time")),
        _line(("timeout_minutes", MINUTES, "of each `finesweep sweep`; the same command goes on")),
    ]


def _fixed(sizes: Sizes) -> list[Line]:
    """Values of all trials; sizes that are null stay out."""
    lines = [
        ("  dataset.train_size", sizes.train_size, "a trial takes minutes; null is every row"),
        ("  dataset.validation_size", sizes.validation_size, _taken(sizes.validation_size)),
        ("  dataset.test_size", sizes.test_size, _taken(sizes.test_size)),
        ("  training.batch_size", sizes.batch_size, ""),
        (
            "  training.evaluations_per_epoch",
            sizes.evaluations_per_epoch,
            "each one may prune",
        ),
        (
            "  training.pruning_rows",
            sizes.pruning_rows,
            "validation rows within an epoch; its end uses all",
        ),
    ]
    return [line for line in lines if line[1] is not None]


def _taken(size: float | int | None) -> str:
    return "of the rows" if isinstance(size, float) else "rows"


def _space(search: Search) -> list[Line]:
    sizes = search.sizes
    lowest, highest = search.encoders[0].rates
    *_, longest = sizes.max_lengths
    kept = f"tokens; {longest} truncates {sizes.truncated:.0%} of the texts"
    choices = ", ".join(map(str, sizes.max_lengths))
    length = Bare(f"choice({choices})") if len(sizes.max_lengths) > 1 else longest
    return [
        ("  training.learning_rate", Bare(f"tag(log, interval({lowest}, {highest}))"), ""),
        (
            "  training.epochs",
            Bare(f"range({sizes.epochs[0]}, {sizes.epochs[1] + 1})"),
            f"{sizes.epochs[0]} to {sizes.epochs[1]}",
        ),
        ("  dataset.max_length", length, kept),
        ("  training.weight_decay", Bare("interval(0.0, 0.1)"), ""),
    ]


def _frozen(encoder: Encoder) -> list[str]:
    step = 2 if encoder.n_layers > 3 else 1
    stop = encoder.n_layers + 1
    space = f"range(0, {stop}, {step})" if step > 1 else f"range(0, {stop})"
    depth = f"of {encoder.n_layers} layers, from the lowest"
    return [
        f"  model={encoder.choice}:",
        _line(("    model.freeze_layers", Bare(space), depth)),
    ]
