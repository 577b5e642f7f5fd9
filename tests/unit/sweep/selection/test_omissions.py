"""A comparison that cannot be made is told of, and what can succeed later is raised."""

from __future__ import annotations

import optuna
import pytest
from sqlalchemy.exc import OperationalError

from finesweep.sweep.selection.omissions import omissions, try_comparison


def failing(error: Exception) -> object:
    raise error


def test_why_it_was_not_made_is_remembered_until_it_is() -> None:
    study = optuna.create_study()
    made = try_comparison(lambda: failing(ValueError("empty vocabulary")), study, what="it")
    assert made is None
    assert omissions(study) == {"it": "ValueError: empty vocabulary"}
    assert try_comparison(lambda: 7, study, what="another") == 7
    assert set(omissions(study)) == {"it"}
    assert try_comparison(lambda: 7, study, what="it") == 7
    assert omissions(study) == {}


def test_a_missing_file_is_no_outage() -> None:
    study = optuna.create_study()
    assert try_comparison(lambda: failing(FileNotFoundError("gone")), study, what="it") is None


def test_a_database_that_is_away_is_raised() -> None:
    error = OperationalError("SELECT 1", {}, Exception("away"))
    error.connection_invalidated = True
    study = optuna.create_study()
    with pytest.raises(OperationalError, match="away"):
        try_comparison(lambda: failing(error), study, what="it")
    assert omissions(study) == {}
