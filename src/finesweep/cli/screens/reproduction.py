"""A reproduction on screen: inputs that changed, scores then and now, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from finesweep.cli.screens.tables import print_metrics
from finesweep.runs.reproduction import Input, Reproduction

N_DIGITS = 12
"""Characters shown of a fingerprint."""
WORDS = {
    "equal": "EQUAL",
    "within noise": "EQUAL WITHIN THE NOISE, but not bit for bit",
    "differs": "DIFFERS",
}


def print_changed(console: Console, inputs: Sequence[Input]) -> None:
    """Prints a line for each input that is not as recorded, before the training."""
    for each in inputs:
        if each.changed:
            then, now = (str(value) for value in (each.recorded, each.now))
            shown = [value[:N_DIGITS] if len(value) == 64 else value for value in (then, now)]
            console.print(f"changed: {each.name}, {shown[0]} then, {shown[1]} now", soft_wrap=True)


def print_reproduction(console: Console, reproduction: Reproduction) -> None:
    """Prints the scores of both runs and the verdict with its reasons."""
    pairs = reproduction.scores.items()
    rows = {
        when: {name: values[k] for name, values in pairs} for k, when in enumerate(("then", "now"))
    }
    print_metrics(console, rows, of="validation")
    for note in reproduction.notes:
        console.print(note, soft_wrap=True)
    unknown = [each.name for each in reproduction.inputs if each.recorded is None]
    if unknown:
        console.print(f"The original did not record: {', '.join(unknown)}.", soft_wrap=True)
    console.print(f"\n{WORDS[reproduction.verdict]}")
    for reason in reproduction.reasons:
        console.print(reason, soft_wrap=True)
    if reproduction.verdict != "equal":
        changed = ", ".join(reproduction.changed) or "nothing that was recorded"
        console.print(f"Changed since: {changed}.", soft_wrap=True)
    console.print(f"run {reproduction.run_id} reproduces {reproduction.original}", soft_wrap=True)
