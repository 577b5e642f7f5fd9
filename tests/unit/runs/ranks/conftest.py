"""The warm process that ranks are forked from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests import warm


@pytest.fixture(scope="session", autouse=True)
def _template() -> Iterator[None]:
    """It ends with the session, in which others may use it too."""
    yield
    warm.close()
