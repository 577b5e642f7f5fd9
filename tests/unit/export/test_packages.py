"""A missing package of the extra is told before anything is loaded."""

from __future__ import annotations

import pytest

from finesweep.errors import ConfigError
from finesweep.export import packages


def test_only_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "PACKAGES", ("numpy", "no_such_package", "nor_this"))
    with pytest.raises(ConfigError) as raised:
        packages.require_packages(field="--format")
    assert str(raised.value) == (
        "--format: onnx needs no_such_package, nor_this: pip install 'finesweep[onnx]'"
    )
