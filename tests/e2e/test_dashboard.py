"""Optuna's own dashboard shows a sweep's study."""

from __future__ import annotations

import json
import subprocess
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from optuna.storages import RDBStorage
from optuna_dashboard import wsgi

from tests.e2e.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("swept")]


def asked(project: Project, path: str) -> Any:
    """What the dashboard answers to a request."""
    environment: dict[str, Any] = {}
    setup_testing_defaults(environment)
    storage = RDBStorage(project.storage_url)
    parts = wsgi(storage)(environment | {"PATH_INFO": path}, lambda *answer: None)
    storage.engine.dispose()
    return json.loads(b"".join(parts))


def test_a_sweep_s_trials_and_settings_are_there(
    swept: tuple[Project, subprocess.CompletedProcess[str]],
) -> None:
    project, _ = swept
    studies = asked(project, "/api/studies")["study_summaries"]
    (number,) = [each["study_id"] for each in studies if each["study_name"] == "small"]
    shown = asked(project, f"/api/studies/{number}")
    assert shown["name"] == "small"
    assert [trial["number"] for trial in shown["trials"]] == list(range(len(project.trials())))
    assert {"model", "training.learning_rate"} <= {
        each["name"] for each in shown["union_search_space"]
    }
