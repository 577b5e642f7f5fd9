"""The YAML of a new dataset choice and of its sweep, with comments that say what was guessed.

Names and labels come from the user's file and may hold any character: values are quoted, and
comments are one line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from finesweep.config.overrides.mapping_texts import Dumper
from finesweep.config.reference.files import schema_line
from finesweep.setup.new.hardware import Encoder, Hardware
from finesweep.setup.new.sizes import MINUTES, Sizes

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
        *(_line(field, scalar(value), comments.get(field)) for field, value in fields.items()),
    ]
    return "\n".join(lines) + "\n"


def sweep_text(search: Search) -> str:
    """sweeps/NAME.yaml: budget, fixed values, space, confirmation and registration."""
    name, choices = search.name, [encoder.choice for encoder in search.encoders]
    confirmed = "the best two are retrained with fresh seeds; the better mean wins"
    lines = [
        "# @package sweep",
        f"# {' or '.join(choices)} for {name}?   finesweep sweep {name}",
        schema_line("sweep", depth=1),
        *_budget(search),
        "params:",
        _line("  dataset", name),
        *_fixed(search.sizes),
        _line("  model", f"choice({', '.join(choices)})", search.origin),
        *_space(search),
        "when:",
        *(line for encoder in search.encoders for line in _frozen(encoder)),
        _line("confirm", "{top_k: 2, seeds: 2}", confirmed),
        _line("register", f"{{name: {name}, alias: challenger}}"),
    ]
    return "\n".join(lines) + "\n"


def _line(field: str, value: str, comment: str | None = None) -> str:
    text = f"{field}: {value}"
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


def _budget(search: Search) -> list[str]:
    if search.sizes.n_trials is not None:
        minutes = max(1, round(search.sizes.minutes))
        about = f"in total; about {minutes} min on {search.hardware}, roughly"
        return [_line("n_trials", str(search.sizes.n_trials), about)]
    return [
        _line("n_trials", "null", "as many as fit into the time"),
        _line("timeout_minutes", str(MINUTES), "of each command; the same command goes on"),
    ]


def _fixed(sizes: Sizes) -> list[str]:
    """Values of all trials; sizes that are null stay out."""
    lines = [
        ("dataset.train_size", sizes.train_size, "a trial takes minutes; null is every row"),
        ("dataset.validation_size", sizes.validation_size, _unit(sizes.validation_size)),
        ("dataset.test_size", sizes.test_size, _unit(sizes.test_size)),
        ("training.batch_size", sizes.batch_size, "rows"),
        ("training.evaluations_per_epoch", sizes.evaluations_per_epoch, "each one may prune"),
        ("training.pruning_rows", sizes.pruning_rows, "within an epoch; its end uses all"),
    ]
    return [
        _line(f"  {field}", str(size), comment)
        for field, size, comment in lines
        if size is not None
    ]


def _unit(size: float | int | None) -> str:
    return "of the rows" if isinstance(size, float) else "rows"


def _space(search: Search) -> list[str]:
    sizes = search.sizes
    (lowest, highest), (fewest, most) = search.encoders[0].rates, sizes.epochs
    lengths, longest = ", ".join(map(str, sizes.max_lengths)), sizes.max_lengths[-1]
    kept = f"tokens; {longest} truncates {sizes.truncated:.0%} of the texts"
    return [
        _line("  training.learning_rate", f"tag(log, interval({lowest}, {highest}))"),
        _line("  training.epochs", f"range({fewest}, {most + 1})", f"{fewest} to {most}"),
        _line(
            "  dataset.max_length",
            f"choice({lengths})" if len(sizes.max_lengths) > 1 else lengths,
            kept,
        ),
        _line("  training.weight_decay", "interval(0.0, 0.1)"),
    ]


def _frozen(encoder: Encoder) -> list[str]:
    step = ", 2" if encoder.n_layers > 3 else ""
    space = f"range(0, {encoder.n_layers + 1}{step})"
    depth = f"of {encoder.n_layers} layers, from the lowest"
    return [f"  model={encoder.choice}:", _line("    model.freeze_layers", space, depth)]
