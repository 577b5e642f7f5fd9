"""What errors say, and the exit codes that they carry."""

from __future__ import annotations

import pytest

from finesweep.errors import (
    ConfigError,
    FinesweepError,
    NonFiniteError,
    Problem,
    differences,
    nearest,
)


def test_one_problem_is_one_line() -> None:
    error = ConfigError(Problem("training.epochs", "0 given; must be at least 1"))
    assert str(error) == "training.epochs: 0 given; must be at least 1"


def test_several_problems_are_counted_and_listed_in_order() -> None:
    problems = (Problem("b", "is wrong"), Problem("a", "is worse"))
    error = ConfigError(*problems)
    assert str(error) == "2 problems:\n  b: is wrong\n  a: is worse"
    assert error.problems == problems


def test_exit_codes_tell_failure_from_bad_usage() -> None:
    codes = {kind: kind.exit_code for kind in (FinesweepError, NonFiniteError, ConfigError)}
    assert codes == {FinesweepError: 1, NonFiniteError: 1, ConfigError: 2}


@pytest.mark.parametrize(
    ("name", "known", "clause"),
    [
        ("brt", ["distilbert", "bert"], "did you mean 'bert'? known: bert, distilbert"),
        ("xyz", ["bert"], "known: bert"),
        ("bert31", [f"bert{n}" for n in range(31)], "did you mean 'bert3'?"),
        ("xyz", [f"bert{n}" for n in range(31)], "none of the 31 names is close"),
        ("bert", [], "known: none"),
    ],
)
def test_the_nearest_name_is_offered_and_few_names_are_listed(
    name: str, known: list[str], clause: str
) -> None:
    assert nearest(name, known) == clause


def test_two_definitions_differ_in_values_and_in_paths_that_one_lacks() -> None:
    kept, wanted = {"same": 1, "b": 1, "gone": [2]}, {"same": 1, "b": 1.0, "a": 3, "b.c": None}
    told = [str(problem) for problem in differences(kept, wanted, when="at first")]
    assert told == [
        "a: nothing at first, now 3",
        "b.c: nothing at first, now None",
        "gone: [2] at first, now nothing",
    ]
    assert differences(kept, kept, when="at first") == []
