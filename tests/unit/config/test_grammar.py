"""Hydra's sweep grammar as records, and values back into the grammar."""

from __future__ import annotations

from typing import Any

import pytest
from hydra.core.override_parser.types import RangeSweep
from hypothesis import given, settings
from hypothesis import strategies as st

from finesweep.config.overrides.grammar import (
    Choice,
    Dimension,
    Interval,
    Range,
    as_override,
    override_value,
    parse_override,
    parse_value,
)
from finesweep.errors import ConfigError

FORMS: dict[str, Dimension] = {
    "interval(1e-5, 2e-4)": Interval(1e-5, 2e-4, log=False, integer=False),
    "interval(1, 5)": Interval(1.0, 5.0, log=False, integer=False),
    "int(interval(1, 5))": Interval(1, 5, log=False, integer=True),
    "tag(log, interval(1e-5, 1e-3))": Interval(1e-5, 1e-3, log=True, integer=False),
    "tag(log, int(interval(1, 64)))": Interval(1, 64, log=True, integer=True),
    "int(tag(log, interval(1, 64)))": Interval(1, 64, log=True, integer=True),
    "range(4)": Range(0, 4, 1, log=False),
    "range(2, 5)": Range(2, 5, 1, log=False),
    "range(0, 13, 2)": Range(0, 13, 2, log=False),
    "range(0, 1, 0.1)": Range(0, 1, 0.1, log=False),
    "float(range(1, 5))": Range(1.0, 5.0, 1.0, log=False),
    "tag(log, range(1, 9))": Range(1, 9, 1, log=True),
    "shuffle(range(1, 5))": Range(1, 5, 1, log=False),
    "sort(range(1, 5))": Range(1, 5, 1, log=False),
    "choice(bert, distilbert)": Choice(("bert", "distilbert")),
    "choice(16, 0.5, true, 'a, b')": Choice((16, 0.5, True, "a, b")),
    "choice(one)": Choice(("one",)),
    "choice(null, 2, 0.5)": Choice((None, 2, 0.5)),
    "choice(mean, null)": Choice(("mean", None)),
    "choice(nullable, 'null')": Choice(("nullable", "null")),
    "null,2": Choice((None, 2)),
    "a,b": Choice(("a", "b")),
    "16, 32": Choice((16, 32)),
    "sort(3, 1, 2)": Choice((1, 2, 3)),
    "sort(3, 1, 2, reverse=true)": Choice((3, 2, 1)),
    "shuffle(choice(1, 2))": Choice((1, 2)),
    "str(choice(1, 2))": Choice(("1", "2")),
}


@pytest.mark.parametrize("text", FORMS)
def test_each_form_of_the_grammar_is_a_record(text: str) -> None:
    parsed = parse_value("training.x", text)
    assert parsed == FORMS[text]
    if isinstance(parsed, Interval | Range):
        types = [type(number) for number in parsed.ends()]
        assert types == [type(number) for number in FORMS[text].ends()]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("range(2, 5)", (2, 4)),
        ("range(0, 13, 2)", (0, 12)),
        ("range(0, 12, 2)", (0, 10)),
        ("range(0, 12, 5)", (0, 10)),
        ("range(3, 4)", (3, 3)),
        ("range(0, 1, 0.1)", (0, 0.9)),
        ("range(0.0, 0.3, 0.1)", (0.0, 0.2)),
        ("range(0.1, 0.8, 0.1)", (0.1, 0.7)),
        ("range(0, 0.9, 0.3)", (0, 0.6)),
        ("range(0, 1, 0.4)", (0, 0.8)),
        ("interval(0.5, 2)", (0.5, 2.0)),
        ("choice(3, 1)", (3, 1)),
        ("choice(null, models:/own@champion)", (None, "models:/own@champion")),
        ("choice(a, null)", ("a", None)),
        ("choice('null', a)", ("null", "a")),
    ],
)
def test_a_range_ends_before_its_stop_and_the_others_include_their_ends(
    text: str, ends: tuple[Any, ...]
) -> None:
    # Hydra's own expansion of the third and fourth float range touches the stop, by rounding.
    parsed = parse_value("training.x", text)
    assert parsed.ends() == ends


@pytest.mark.parametrize(
    "value", [3, 2e-5, True, None, ["a"], "bert", "", "null", "1", "[1,2]", "a b", "a: b", "C:\\x"]
)
def test_a_plain_value_stays_what_it_is(value: object) -> None:
    parsed = parse_value("dataset.name", value)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("choice()", r"choice\(\) has nothing to choose from"),
        ("glob(*)", r"glob\(\) cannot be searched; use choice\(a, b, …\)"),
        ("interval(2, 1)", r"interval\(2\.0, 1\.0\) is empty"),
        ("interval(1, 1)", r"interval\(1\.0, 1\.0\) is empty"),
        ("interval(nan, 1)", r"interval\(nan, 1\.0\) is empty"),
        ("range(5, 5)", r"range\(5, 5, 1\) is empty"),
        ("range(5, 1)", r"range\(5, 1, 1\) is empty"),
        ("range(0, 5, 0)", r"range\(0, 5, 0\) is empty"),
        ("tag(log, interval(0, 1))", r"a log interval must start above 0, not at 0\.0"),
        ("tag(log, range(0, 8))", r"a log range must start above 0, with step 1"),
        ("tag(log, range(1, 8, 2))", r"a log range must start above 0, with step 1"),
        ("choice([1, 2], [3])", r"choice\(\) takes numbers, strings, true, false and null"),
        ("choice({a: 1}, {a: 2})", r"choice\(\) takes numbers, strings, true, false and null"),
        ("range(1,", r"not in Hydra's grammar; no viable alternative at input 'range\(1,'"),
        ("sort(interval(1, 2))", r"not in Hydra's grammar; TypeError while evaluating 'sort\("),
        ("rnage(1, 2)", r"not in Hydra's grammar; .*Unknown function 'rnage'"),
    ],
)
def test_a_dimension_that_cannot_be_searched_is_refused_with_its_path(
    text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^training\.x: {message}"):
        parse_value("training.x", text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("range(0, inf)", r"range\(0, inf, 1\) must have finite ends and step"),
        ("range(0, 10, nan)", r"range\(0, 10, nan\) must have finite ends and step"),
        ("interval(0, inf)", r"interval\(0\.0, inf\) must have finite ends"),
        ("interval(1, 2), interval(3, 4)", r"choice\(\) takes numbers, strings, true"),
        ("choice(choice(1, 2), 3)", r"choice\(\) takes numbers, strings, true, false and null"),
        ("range(5, 1, -1)", r"range\(5, 1, -1\) counts down"),
    ],
)
def test_a_dimension_that_optuna_could_not_hold_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_value("training.x", text)


@pytest.mark.parametrize("text", ["'a, b'", '"a, b"', "'split=train/x.csv'"])
def test_quotes_keep_a_text_from_being_read_as_grammar(text: str) -> None:
    assert parse_value("dataset.name", text) == text[1:-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training.epochs", r"^training\.epochs: not in Hydra's grammar; missing EQUAL"),
        ("+a=[1", r"^a: not in Hydra's grammar; no viable alternative at input '\[1'"),
    ],
)
def test_a_malformed_override_is_blamed_on_its_path(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_override(text)


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = plain | st.text()


@settings(deadline=None, database=None)
@given(value=scalars | st.lists(scalars, max_size=4))
def test_hydra_reads_back_what_as_override_spells(value: Any) -> None:
    override = parse_override(as_override("dataset.name", value))
    assert override.key_or_group == "dataset.name"
    assert not override.is_sweep_override()
    assert repr(override.value()) == repr(value)


def test_a_mapping_is_spelt_with_its_values_quoted() -> None:
    value = {"train": "a, b.csv", "test": None}
    override = parse_override(as_override("dataset.files", value))
    assert override.value() == value


@settings(deadline=None, database=None)
@given(start=st.integers(-50, 50), width=st.integers(1, 200), step=st.integers(1, 40))
def test_last_is_the_last_value_of_hydras_own_expansion(start: int, width: int, step: int) -> None:
    whole = (start, start + width, step)
    # Quarters have exact binary values, so that Hydra's expansion does not round.
    quarters = tuple(number / 4 for number in whole)
    for numbers in (whole, quarters):
        override = parse_override(f"x=range({','.join(map(str, numbers))})")
        hydras = override.value()
        assert isinstance(hydras, RangeSweep)
        ours = parse_value("x", f"range({','.join(map(str, numbers))})")
        assert isinstance(ours, Range)
        assert ours.last == list(hydras.range())[-1]
        assert ours.last < numbers[1]


@pytest.mark.parametrize("folder", ["~", "~/my model/a-1", "~ada/x"])
def test_a_path_in_the_home_folder_needs_no_quotes(folder: str) -> None:
    for quoted in (folder, f"'{folder}'"):
        assert override_value(parse_override(f"storage.cache={quoted}")) == folder
