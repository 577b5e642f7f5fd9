"""Hydra's sweep grammar as plain records: choice, interval and range, with their tags.

Hydra's meaning holds: range excludes its stop. https://hydra.cc/docs/advanced/override_grammar
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    ChoiceSweep,
    Glob,
    IntervalSweep,
    Override,
    Quote,
    QuotedString,
    RangeSweep,
    Sweep,
)
from hydra.errors import HydraException

from finesweep.config.field_paths import mapping_of
from finesweep.config.overrides.mapping_texts import split_mapping_override, text_of_mapping
from finesweep.errors import ConfigError, Problem

CHOICE = re.compile(r"(?P<path>[^=]+)=\s*choice\((?P<values>[^()]*)\)\s*")
IN_HOME = re.compile(r"(?P<path>[^=]+)=(?P<folder>~[^,'\"]*)")
NULL = re.compile(r"(^|,)\s*null\s*(,|$)")


@dataclass(frozen=True)
class Choice:
    """One of these values."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        return f"choice({', '.join(map(_quote_choice, self.values))})"

    def ends(self) -> tuple[Any, ...]:
        return self.values


@dataclass(frozen=True)
class Interval:
    """A number in [low, high]."""

    low: float
    high: float
    log: bool
    integer: bool

    def __str__(self) -> str:
        text = f"interval({self.low}, {self.high})"
        text = f"int({text})" if self.integer else text
        return f"tag(log, {text})" if self.log else text

    def ends(self) -> tuple[float, float]:
        return self.low, self.high


@dataclass(frozen=True)
class Range:
    """start, start + step, … below stop."""

    start: float
    stop: float
    step: float
    log: bool

    def __str__(self) -> str:
        text = f"range({self.start}, {self.stop}, {self.step})"
        return f"tag(log, {text})" if self.log else text

    @property
    def last(self) -> float:
        """The largest value that is reached."""
        # Decimals, because 0.1 has no exact binary value and the last step could reach stop.
        start, stop, step = (Decimal(str(n)) for n in (self.start, self.stop, self.step))
        n_steps = math.ceil((stop - start) / step) - 1
        last = start + n_steps * step
        return int(last) if isinstance(self.start + self.step, int) else float(last)

    def ends(self) -> tuple[float, float]:
        return self.start, self.last


Dimension = Choice | Interval | Range


def parse_override(text: str) -> Override:
    """Hydra's record of one override; ConfigError when it is not a valid override."""
    return _parse(text, text.split("=")[0].lstrip("+~") or text)


def override_path(text: str) -> str:
    """The dotted path, or the group, that an override sets, adds or deletes."""
    return parse_override(text).key_or_group


def parse_value(path: str, value: Any) -> Dimension | Any:
    """The dimension that a value in a sweep file stands for, or the value itself if it is plain."""
    if not isinstance(value, str) or not value:
        return value
    override = _parse(f"{path}={value}", path)
    if override.is_sweep_override():
        return dimension(override)
    # A string with commas or an equals sign is quoted to mark it as a string.
    return override.value() if _is_quoted(override) else value


def _is_quoted(override: Override) -> bool:
    # An unquoted string cannot start with a quote, and Hydra returns a quoted one as typed.
    is_text = isinstance(override.value(), str)
    return is_text and override.get_value_element_as_str().startswith(("'", '"'))


def in_hydra_grammar(text: str) -> str:
    """The override in Hydra's grammar: a mapping with quoted keys and a path in the home folder
    become quoted strings, and choice(null, 2), whose null Hydra refuses, becomes null,2, which it
    takes."""
    if match := IN_HOME.fullmatch(text):
        return f"{match['path']}={_quote(match['folder'])}"
    if (match := CHOICE.fullmatch(text)) and NULL.search(match["values"]):
        return f"{match['path']}={match['values']}"
    # Only a mapping with a character outside Hydra's grammar needs this; others are not parsed
    # twice.
    if (
        re.search(r"=\s*\{", text) is None
        or re.search(r"[\"']|[^\x00-\x7f]|[!#&;<>^`~]", text) is None
    ):
        return text
    try:
        OverridesParser.create().parse_override(text)
    except HydraException:
        if parts := split_mapping_override(text):
            return f"{parts[0]}={_quote(parts[1])}"
    return text


def override_value(override: Override) -> Any:
    """The value of an override; sweeps inside a mapping or list become strings, as in a file."""
    return _plain(override.key_or_group, override.value())


def _plain(path: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(path, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(path, item) for item in value]
    return str(_dimension(path, value)) if isinstance(value, Sweep) else value


def _parse(text: str, path: str) -> Override:
    try:
        return OverridesParser.create().parse_override(in_hydra_grammar(text))
    except HydraException as error:
        if "empty choice" in str(error):
            raise ConfigError(Problem(path, "choice() has nothing to choose from")) from error
        first = str(error).splitlines()[0]
        raise ConfigError(Problem(path, f"not in Hydra's grammar; {first}")) from error


def dimension(override: Override) -> Dimension:
    """The dimension of a sweep override; ConfigError when Optuna cannot search it."""
    return _dimension(override.key_or_group, override.value())


def _dimension(path: str, sweep: Any) -> Dimension:
    if isinstance(sweep, ChoiceSweep):
        return _choice(path, sweep)
    if isinstance(sweep, IntervalSweep):
        return _interval(path, sweep)
    if isinstance(sweep, RangeSweep):
        return _range(path, sweep)
    what = "glob()" if isinstance(sweep, Glob) else type(sweep).__name__
    raise ConfigError(Problem(path, f"{what} cannot be searched; use choice(a, b, …)"))


def _choice(path: str, sweep: ChoiceSweep) -> Choice:
    values = tuple(v.text if isinstance(v, QuotedString) else v for v in sweep.list)
    if any(isinstance(value, list | dict | Sweep) for value in values):
        raise ConfigError(Problem(path, "choice() takes numbers, strings, true, false and null"))
    return Choice(values)


def _interval(path: str, sweep: IntervalSweep) -> Interval:
    low, high = sweep.start, sweep.end
    if low is None or high is None or not low < high:
        raise ConfigError(Problem(path, f"interval({low}, {high}) is empty"))
    if math.inf in (-low, high):
        raise ConfigError(Problem(path, f"interval({low}, {high}) must have finite ends"))
    log = "log" in sweep.tags
    if log and low <= 0:
        raise ConfigError(Problem(path, f"a log interval must start above 0, not at {low}"))
    return Interval(low, high, log, isinstance(low, int) and isinstance(high, int))


def _range(path: str, sweep: RangeSweep) -> Range:
    start, stop, step = sweep.start, sweep.stop, sweep.step
    if start is not None and stop is not None and not all(map(math.isfinite, (start, stop, step))):
        message = f"range({start}, {stop}, {step}) must have finite ends and step"
        raise ConfigError(Problem(path, message))
    if start is not None and stop is not None and step < 0 and start > stop:
        message = f"range({start}, {stop}, {step}) counts down; write it upwards"
        raise ConfigError(Problem(path, message))
    if start is None or stop is None or step <= 0 or not start < stop:
        raise ConfigError(Problem(path, f"range({start}, {stop}, {step}) is empty"))
    log = "log" in sweep.tags
    if log and (step != 1 or start <= 0):
        raise ConfigError(Problem(path, "a log range must start above 0, with step 1"))
    return Range(start, stop, step, log)


def as_override(path: str, value: Any) -> str:
    """`path=value` in Hydra's grammar, for any characters in value."""
    # A free mapping becomes a string: its keys may have characters outside the grammar.
    is_free = isinstance(value, dict) and mapping_of(path) is not None
    return f"{path}={_quote(text_of_mapping(value) if is_free else value)}"


def _quote_choice(value: Any) -> str:
    """A plain word unchanged; anything that could be read as another type or as two choices in
    quotes."""
    is_word = isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w-]*", value)
    return value if is_word and value not in ("true", "false", "null") else _quote(value)


def _quote(value: Any) -> str:
    if isinstance(value, str):
        return QuotedString(text=value, quote=Quote.single).with_quotes()
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_quote, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_quote(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)
