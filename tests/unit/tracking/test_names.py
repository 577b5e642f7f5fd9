"""MLflow accepts the keys and filters derived from any user's names."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.utils.search_utils import SearchModelVersionUtils, SearchUtils
from mlflow.utils.validation import (
    MAX_ENTITY_KEY_LENGTH,
    MAX_PARAM_VAL_LENGTH,
    _validate_metric_name,
    _validate_param,
)

from finesweep.tracking.names import MAX_PARAM_CHARACTERS, clause, keys_of, text_of

pytestmark = pytest.mark.slow

SPECIAL = ["/", ".", "..", "'", '"', "`", "\\", "\n", "%", "_", "+", "#", ":", "--", ";", "\x00"]
ANY = st.text(max_size=12) | st.lists(st.sampled_from([*SPECIAL, "a", "é"])).map("".join)
EXAMPLES = settings(derandomize=True, max_examples=300, deadline=None, database=None)


@EXAMPLES
@given(st.lists(ANY | ANY.map(lambda name: name * 60), unique=True, max_size=8))
def test_every_name_has_a_key_of_its_own_that_mlflow_takes(names: list[str]) -> None:
    keys = keys_of(names)
    assert len(set(keys.values())) == len(names)
    assert keys == keys_of(reversed(names))
    for key in keys.values():
        _validate_metric_name(key)
        _validate_param(key, "")
        assert len(key) <= MAX_ENTITY_KEY_LENGTH


@EXAMPLES
@given(ANY, ANY)
def test_a_filter_is_one_clause_that_holds_for_its_value(value: str, other: str) -> None:
    for parser, field in ((SearchUtils, "tags.`x.y`"), (SearchModelVersionUtils, "name")):
        (parsed,) = parser.parse_search_filter(clause(field, value))
        holds = SearchUtils.get_comparison_func(parsed["comparator"])
        assert holds(value.replace("\n", " "), parsed["value"])
        if parsed["comparator"] == "=":
            assert holds(other, parsed["value"]) == (other == value)


def test_text_keeps_what_databases_can_hold() -> None:
    assert MAX_PARAM_CHARACTERS == MAX_PARAM_VAL_LENGTH
    assert text_of("ü😀", 10) == "ü😀"
    assert text_of("a\x00b\ud800", 10).isprintable()
    assert text_of("a" * 11, 10) == "a" * 9 + "…"
