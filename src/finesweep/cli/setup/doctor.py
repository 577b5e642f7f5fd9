"""`finesweep doctor [--json]`: what works on this machine, what does not, and what to type."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from finesweep.cli import parser
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose

if TYPE_CHECKING:
    from finesweep.setup.doctor.findings import Finding

EXAMPLES = """
examples:
  finesweep doctor
  finesweep doctor storage.url=postgresql://USER@HOST/NAME tracking.uri=http://HOST:5000
  finesweep doctor launcher=slurm --json

Exits 0 if everything works that sweeps need, else 1. Nothing is created or changed.
"""
MARGIN = 19
"""Column of the messages."""


def run(arguments: Sequence[str]) -> int:
    cli = parser("doctor", "[OVERRIDE…] [--json]")
    cli.epilog = EXAMPLES
    cli.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help="storage.url=…")
    cli.add_argument("--json", action="store_true", help="print JSON")
    args = cli.parse_intermixed_args(list(arguments))
    config = compose(args.overrides).config
    silence_libraries()

    from finesweep.setup.doctor.examination import examine

    found: list[Finding] = []
    for finding in examine(config):
        found.append(finding)
        if not args.json:
            print(_line(finding), flush=True)
    if args.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
    else:
        print(_summary(found))
    return int(any(each.is_fatal for each in found))


def _line(finding: Finding) -> str:
    from finesweep.api.console import screen

    # A mark and a name of fixed width, then the message; a command is never broken over lines.
    text = textwrap.fill(
        f"{finding.state:<9}{finding.name:<10}{finding.message}",
        width=max(40, screen().width),
        subsequent_indent=" " * MARGIN,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{text}\n{' ' * MARGIN}→ {finding.hint}" if finding.hint else text


def _summary(found: Sequence[Finding]) -> str:
    fatal = [each.name for each in found if each.is_fatal]
    return f"\nneeded and not working: {', '.join(fatal)}" if fatal else "\nready for sweeps"
