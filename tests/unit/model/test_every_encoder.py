"""Every type of classifier in Transformers behaves as docs/models.md says."""

from __future__ import annotations

import pytest
from tests.encoder_table import COMMAND, KINDS, found, row, rows_written, without_measures


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_trains_freezes_caches_and_answers_as_the_table_says(kind: str) -> None:
    made = found(kind)
    print(row(made))
    assert made.wrong == []
    written = rows_written().get(kind, "")
    assert without_measures(row(made)) == without_measures(written), f"{COMMAND} writes it"


def test_the_table_has_every_kind_that_transformers_maps() -> None:
    missing, gone = set(KINDS) - set(rows_written()), set(rows_written()) - set(KINDS)
    assert not missing, f"new in Transformers: {sorted(missing)}; {COMMAND} tries them"
    assert not gone, f"gone from Transformers: {sorted(gone)}; {COMMAND} takes them out"
