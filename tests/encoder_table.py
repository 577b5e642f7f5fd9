"""The table of docs/models.md, by trying every kind: `python -m tests.encoder_table` writes it.

A kind is tried in a process of its own, forked from a warm one.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path

from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

from tests import warm
from tests.encoders import FAR, Found
from tests.tiny_encoders import PLACES
from tests.waiting import SECONDS

COMMAND = "python -m tests.encoder_table"
PAGE = Path(__file__).parents[1] / "docs" / "models.md"
BEGIN, END = "<!-- table of kinds -->\n", "<!-- end of the table -->\n"
KINDS = tuple(sorted(MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES))
HEAD = f"""\
| type | depths | activation cache | longest input ({PLACES} positions) |
|---|---|---|---|
"""


def found(kind: str) -> Found:
    """What becomes of a kind; AssertionError when its process ends otherwise than it should."""
    own = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    kept = {name: value for name, value in os.environ.items() if name != warm.COVERAGE}
    with tempfile.TemporaryDirectory() as folder:
        started = warm.forked(
            [sys.executable, "-m", "tests.encoders", kind],
            environment=kept | own,
            folder=Path(folder),
        )
        printed, errors = started.communicate(SECONDS)
    assert started.returncode == 0, f"{kind}: {errors}"
    return Found(**json.loads(printed.splitlines()[-1]))


def row(made: Found) -> str:
    """A line of the table."""
    if made.why_not:
        return f"| {made.kind} | - | - | {made.why_not} |"
    return f"| {made.kind} | {made.depths} | {made.kept} | {made.longest} |"


def rows_written() -> dict[str, str]:
    """Kind → its line, as the page has it."""
    table = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return {line.split("|")[1].strip(): line for line in lines[1:]}


def without_measures(line: str) -> str:
    """A line without what the rounding of another processor changes."""
    return re.sub(r"\d+\.\d+(e-\d+)?|\de-\d+", "…", line)


def write() -> None:
    """Tries all kinds, prints the table and writes it into the page; exit 1 when a claim fails."""
    made = []
    for kind in KINDS:
        made.append(found(kind))
        print(row(made[-1]), flush=True)
    warm.close()
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    lines = "\n".join(map(row, made))
    table = f"{BEGIN}{count(made)}\n\n{HEAD}{lines}\n"
    PAGE.write_text(f"{before}{table}{END}{rest.partition(END)[2]}", encoding="utf-8")
    print(count(made))
    if wrong := [f"{each.kind}: {claim}" for each in made for claim in each.wrong]:
        sys.exit("\n".join(wrong))


def count(made: list[Found]) -> str:
    refused = sum(each.why_not.startswith("refused") for each in made)
    works = sum(not each.why_not for each in made)
    rest = len(made) - refused - works
    return (
        f"Of {len(made)} types {works} work and {refused} are refused; {rest} cannot be built tiny"
        f" and is untested. Inputs of up to {FAR} tokens were tried."
    )


if __name__ == "__main__":
    write()
