"""Commands, sweeps and links in README, docs and sweep files are valid."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from finesweep.config import compose_sweep, group_choices

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def _blocks(language: str) -> list[str]:
    texts = [document.read_text(encoding="utf-8") for document in DOCUMENTS]
    return [
        block for text in texts for block in re.findall(rf"```{language}\n(.*?)```", text, re.S)
    ]


def _commands() -> list[str]:
    lines = [
        line.split(" # ")[0].strip() for block in _blocks("bash") for line in block.splitlines()
    ]
    return sorted({line for line in lines if line})


@pytest.mark.parametrize("line", [line for line in _commands() if line.startswith("make")])
def test_a_make_target_shown_exists(line: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{line.split()[1]}:", makefile, re.M)


@pytest.mark.parametrize("name", group_choices("sweeps"))
def test_a_packaged_sweep_composes_and_starts_with_its_command(name: str) -> None:
    header = (ROOT / "sweeps" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[:2]
    assert header[0] == "# @package sweep"
    assert header[1].endswith(f"finesweep sweep {name}")
    assert compose_sweep(name, []).searched


def _anchors(document: Path) -> set[str]:
    """The anchors of its headings, as GitHub generates them."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_link_has_a_target(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, fragment = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not fragment or fragment in _anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_file_named_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:src|tests|benchmarks)/[\w/-]+\.py\b", text))
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_a_link_to_a_missing_heading_is_reported() -> None:
    anchors = _anchors(ROOT / "docs" / "data.md")
    assert "several-labels" in anchors
    assert "many-labels" not in anchors


def test_python_shown_is_python() -> None:
    for block in _blocks("python"):
        ast.parse(block)


def test_each_yaml_block_of_the_page_on_workers_parses() -> None:
    page = ROOT / "docs" / "workers.md"
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    (job,) = [yaml.safe_load(block) for block in blocks]
    assert (job["apiVersion"], job["kind"], job["spec"]["parallelism"]) == ("batch/v1", "Job", 4)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"][:2] == ["finesweep", "work"]
    assert all(text.split("=")[0].count(".") == 1 for text in container["command"][3:])
