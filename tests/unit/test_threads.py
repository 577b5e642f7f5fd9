"""Numbers of threads in the environment."""

from __future__ import annotations

import pytest

from finesweep.threads import given_threads


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("2", 2),
        ("2,1", 2),
        (" 3 , 1", 3),
        ("", None),
        ("0", None),
        ("-1", None),
        (",2", None),
        ("²", None),
        ("many", None),
    ],
)
def test_the_number_of_the_outermost_level_counts(
    text: str, n: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert given_threads() == n
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert given_threads() is None
