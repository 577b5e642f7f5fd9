"""Every command that docs/data.md gives for a kind of file composes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from finesweep.config import compose

DOCS = Path(__file__).parents[3] / "docs/data.md"
COMMANDS = [
    command.replace("\\|", "|")
    for command in re.findall(r"^\|.*\| `(finesweep explore [^`]+)` \|$", DOCS.read_text(), re.M)
]


def test_there_is_one_command_for_each_kind() -> None:
    assert len(COMMANDS) == 14


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_composes(command: str, workplace: Path) -> None:
    _, _, *overrides = shlex.split(command)
    dataset = compose(overrides).config.dataset
    (given,) = [text for text in overrides if text.startswith("dataset.path=")]
    assert dataset.path == given.partition("=")[2]
