"""The champion history agrees with the alias, whoever set it, and a rollback with both."""

from __future__ import annotations

from typing import Literal

import pytest

from finesweep.registry.champion_history import (
    MAX_ENTRIES,
    Entry,
    confirmed,
    dumps,
    loads,
    standing,
)

pytestmark = pytest.mark.slow


def log(*told: str) -> list[Entry]:
    """Entries such as `+2`, promoted, and `-1`, rolled back to."""
    kinds: dict[str, Literal["promoted", "rolled back", "set", "removed"]] = {
        "+": "promoted", "-": "rolled back", "=": "set", "x": "removed",
    }  # fmt: skip
    return [Entry(kinds[text[0]], text[1:], "", "") for text in told]


@pytest.mark.parametrize(
    ("told", "champion", "left"),
    [
        (("+1", "+2"), "2", ["1", "2"]),
        (("+1", "+2"), "1", ["1"]),  # killed before the alias of 2
        (("+1", "+2", "-1"), "2", ["1", "2"]),  # killed before the alias of the rollback
        (("+1",), None, []),
        (("+1", "+2"), "3", ["1", "2", "3"]),
        ((), "3", ["3"]),
        (("+1", "+2", "=3", "+4"), "3", ["1", "2", "3"]),
        (("+1", "+2"), None, ["1", "2"]),
        (("+1", "+2", "x2", "+4"), None, ["1", "2"]),
        (("+1", "+2", "x2", "+4"), "4", ["1", "2", "4"]),
        (("+1", "+2", "x2", "=2"), "2", ["1", "2"]),
        (("+1", "+2", "+1", "+3", "-1"), "1", ["1", "2", "1"]),
    ],
)
def test_a_log_loses_at_most_an_entry_that_took_no_effect(
    told: tuple[str, ...], champion: str | None, left: list[str]
) -> None:
    known = confirmed(log(*told), champion)
    assert standing(known) == left
    assert confirmed(known, champion) == known


def test_what_was_changed_in_mlflow_is_told() -> None:
    set_by_hand, removed = confirmed(log("+1", "+2"), "3"), confirmed(log("+1", "+2"), None)
    assert (set_by_hand[-1].kind, set_by_hand[-1].version) == ("set", "3")
    assert (removed[-1].kind, removed[-1].version) == ("removed", "2")


def test_a_cut_log_keeps_what_a_rollback_needs() -> None:
    many = log("+1", *(text for k in range(2, 40) for text in (f"+{k}", "-1")), "+50")
    for known in (many[:-1], many):
        cut = loads(dumps(known))
        assert len(cut) == MAX_ENTRIES
        assert standing(cut) == standing(known)
        assert cut[-20:] == known[-20:]


def test_the_newest_champions_are_kept_of_too_many() -> None:
    cut = loads(dumps(log(*(f"+{k}" for k in range(60)), "-58")))
    assert standing(cut) == [str(k) for k in range(29, 59)]
