"""What the names of a comparison mean, and what is told of one that means nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from finesweep.errors import ConfigError
from finesweep.report.compared_names import named
from finesweep.tracking import TrackingStore, start_run

pytestmark = pytest.mark.slow


def test_an_unknown_name_is_told_with_the_runs_and_where_they_were_sought(
    store: TrackingStore, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    sought = f"no run in {store.uri} and no sweep in {url} has this id or name; "
    for name in ("minilm uni", "bert uni"):
        start_run(store, name=name)
    with pytest.raises(ConfigError) as caught:
        named(store, url, ["minlm uni"])
    told, _, known = str(caught.value).partition(" known: ")
    assert told == f"minlm uni: {sought}did you mean 'minilm uni'?"
    assert {"bert uni", "minilm uni"} <= set(known.split(", "))  # other tests' runs are known too
