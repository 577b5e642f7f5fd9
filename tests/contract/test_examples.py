"""finesweep accepts every example in README, docs and --help."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from finesweep.cli import COMMANDS, _usage, import_command
from finesweep.config import compose, compose_sweep, group_choices
from finesweep.config.field_paths import field_exists
from finesweep.sweep.rehearsal import rehearse
from finesweep.sweep.study.search_space import check

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# log.md records old commands, which may no longer be valid.
DOCUMENTS = [
    path
    for path in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").glob("*.md")),
    ]
    if path.name != "log.md"
]
FENCED = re.compile(r"```(\w*)\n(.*?)```", re.S)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PLACEHOLDERS = {
    "NAME": "demo",
    "MODEL": "tweets-sentiment",
    "OTHER": "other",
    "URI": "models:/m/1",
    "FILE": "a.csv",
    "TEXT…": "text",
    "N": "2",
    "F": "a.csv",
    "OWNER/NAME": "owner/name",
}
"""Placeholder in the text → a value to test with."""
OVERRIDE = re.compile(r"[+~]{0,2}(?P<path>[a-z_]+(?:\.[\w.]+)?)=(?P<value>\S.*)")
COMPOSED_SWEEPS = ("plan", "sweep")
TAKES_TRIALS = ("sweep", "work", "status", "stop", "delete")


def _texts() -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        yield document.name, document.read_text(encoding="utf-8")


def _helps() -> Iterator[tuple[str, str]]:
    yield "finesweep --help", _usage()
    for command in COMMANDS:
        yield command, str(getattr(import_command(command), "EXAMPLES", ""))
    yield "train --help", (ROOT / "conf" / "config.yaml").read_text(encoding="utf-8")


def _lines(text: str) -> Iterator[str]:
    """Commands on a line of their own, in code blocks and help texts."""
    for line in text.splitlines():
        if match := re.search(r"(?:^|\s{2}|#\s*|\$ )(finesweep [a-z-].*)$", line):
            # A remark on the command follows two spaces or a hash.
            yield re.split(r"\s{2,}|\s#\s|(?<=\]): ", match[1])[0].strip()


def _commands() -> list[str]:
    commands: set[str] = set()
    for _, text in _texts():
        for kind, block in FENCED.findall(text):
            if kind != "yaml":  # YAML names the reader's own files
                commands.update(_lines(block))
        outside = FENCED.sub("", text)
        commands |= {span for span in SPAN.findall(outside) if span.startswith("finesweep ")}
    for _, text in _helps():
        commands.update(_lines(text))
    return sorted(commands)


def _filled(command: str) -> list[str]:
    """The words of a command without optional parts, with placeholders filled in."""
    text = command.replace("\\|", "|").replace(" …", "")
    if not re.search("[\"']", text):  # there [MASK] is a word, not an option
        text = re.sub(r"\[[A-Z-][^\]]*\]", "", text)
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(text)]
    return [re.sub(r"(?<==)[A-Z]+$", lambda m: PLACEHOLDERS.get(m[0], m[0]), w) for w in words]


def _overrides() -> list[str]:
    """Overrides between backticks in prose and tables."""
    spans = {
        span.replace("\\|", "|")
        for _, text in _texts()
        for span in SPAN.findall(FENCED.sub("", text))
        if (match := OVERRIDE.fullmatch(span))
        and (field_exists(match["path"]) or group_choices(match["path"]))
    }
    return sorted(spans)


def test_there_are_examples_of_every_kind() -> None:
    commands, overrides = _commands(), _overrides()
    assert len(commands) > 45
    assert "finesweep promote tweets-sentiment registry.latency_ms=20 " in " ".join(commands) + " "
    assert "dataset.missing=drop" in overrides
    assert any("label_map={" in override for override in overrides)


@pytest.fixture
def shown_sweeps(workplace: Path) -> None:
    """The sweeps that the pages show, written to ./sweeps under the name in their first line, and
    the dataset that `finesweep new` writes in them."""
    (workplace / "sweeps").mkdir()
    (workplace / "conf" / "dataset").mkdir(parents=True)
    dataset = workplace / "conf" / "dataset" / "reviews.yaml"
    dataset.write_text("name: reviews\npath: reviews.csv\n", encoding="utf-8")
    for _, text in _texts():
        for kind, block in FENCED.findall(text):
            if kind == "yaml" and (named := re.search(r"finesweep sweep ([\w-]+)$", block, re.M)):
                (workplace / "sweeps" / f"{named[1]}.yaml").write_text(block, encoding="utf-8")


@pytest.mark.usefixtures("shown_sweeps")
@pytest.mark.parametrize("command", _commands())
def test_a_command_shown_is_accepted(command: str) -> None:
    _, name, *words = _filled(command)
    if name in ("COMMAND", "--version", "--help"):
        return
    if name == "-sc":
        assert words == ["install=bash"]
        return
    assert name in COMMANDS, command
    flags = [word for word in words if re.match(r"-{1,2}[a-z]", word)]
    overrides = [word for word in words if OVERRIDE.fullmatch(word)]
    _check_flags(name, flags)
    if name == "train" and "-m" in flags:
        overrides = [re.sub(r"=([^,{\[]*),.*", r"=\1", text) for text in overrides]
    if words == ["--help"]:
        return
    if name in COMPOSED_SWEEPS and words:
        _accepted(words[0], *overrides)
    elif name not in COMPOSED_SWEEPS:
        _accepted(None, *overrides)


@cache
def _accepted(sweep: str | None, *overrides: str) -> None:
    """Composes them for a sweep, or without one; once, as many commands show the same."""
    compose(overrides) if sweep is None else compose_sweep(sweep, overrides)


def _check_flags(command: str, flags: list[str]) -> None:
    """Asserts that each flag is in the source of the command's parser, or is one of Hydra's."""
    if command == "train":
        assert set(flags) <= {"-m", "--cfg", "--help", "--hydra-help"}, flags
        return
    module = import_command(command)
    assert module.__file__ is not None
    text = Path(module.__file__).read_text(encoding="utf-8")
    for flag in flags:
        own = flag.split("=")[0]
        shared = {"--cfg", "--help"}
        assert own in shared or f'"{own}"' in text, f"{command} has no {flag}"


@pytest.mark.parametrize("override", _overrides())
def test_an_override_shown_is_accepted(override: str, workplace: Path) -> None:
    text = override.replace("…", "")
    text = re.sub(r"(?<==)[A-Z]+$", lambda m: PLACEHOLDERS.get(m[0], m[0]), text)
    before, is_mapping, _ = text.partition("={")
    if is_mapping and "'" not in before:  # in Hydra's own grammar, without shell quotes
        overrides = [text]
    else:
        overrides = shlex.split(text) if "'" in text else re.split(r" (?=\w+[.=])", text)
    if overrides[0].startswith("sweep."):
        compose_sweep("demo", overrides)
    else:
        compose(overrides)


def _yaml_blocks() -> list[str]:
    return [block for _, text in _texts() for kind, block in FENCED.findall(text) if kind == "yaml"]


@pytest.mark.parametrize("block", [b for b in _yaml_blocks() if "@package sweep" in b])
def test_a_sweep_shown_can_be_run_and_suggests_trials(block: str, workplace: Path) -> None:
    (workplace / "sweeps").mkdir()
    (workplace / "sweeps" / "shown.yaml").write_text(block, encoding="utf-8")
    plan = compose_sweep("shown", [])
    check(plan)
    rehearse(plan)


@pytest.mark.parametrize("block", _yaml_blocks())
def test_yaml_shown_is_yaml(block: str) -> None:
    assert yaml.safe_load(block)
