"""`finesweep promote MODEL`: the gate between a challenger and the champion."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from finesweep.api.promotion import MODES, check_terms
from finesweep.cli import parser
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose, require_model_name

if TYPE_CHECKING:
    from finesweep.registry.promote import Verdict

REFUSED = 3
EXAMPLES = """
examples:
  finesweep promote tweets-sentiment                           superiority, at 5 %
  finesweep promote tweets-sentiment --mode non-inferiority --margin 0.01
  finesweep promote tweets-sentiment registry.latency_ms=20 'registry.minimum={test/f1: 0.6}'

exit codes: 0 promoted, 3 refused and nothing changed
"""


def run(arguments: Sequence[str]) -> int:
    cli = parser("promote", "MODEL [OVERRIDE…] [--version N] [--mode MODE] [--dry-run] [--json]")
    cli.epilog = EXAMPLES
    cli.add_argument("model", metavar="MODEL", help="a registered model's name")
    overrides = "registry.…, tracking.… or storage.…"
    cli.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help=overrides)
    cli.add_argument("--version", metavar="N", help="instead of the one with alias challenger")
    cli.add_argument("--mode", choices=MODES, default="superiority")
    cli.add_argument(
        "--margin", type=float, default=0.005, help="of accuracy, for non-inferiority; 0.005"
    )
    cli.add_argument("--alpha", type=float, default=0.05, help="over all attempts; 0.05")
    cli.add_argument("--dry-run", action="store_true", help="decide, and change nothing")
    cli.add_argument("--json", action="store_true", help="the decision as JSON")
    given = cli.parse_intermixed_args(list(arguments))
    check_terms(margin=given.margin, alpha=given.alpha, prefix="--")
    require_model_name(given.model, field="MODEL")
    config = compose(given.overrides).config
    silence_libraries()

    from finesweep.registry.promote import Terms, promote

    verdict = promote(
        config,
        given.model,
        number=given.version,
        terms=Terms(given.mode, given.margin, given.alpha),
        dry_run=given.dry_run,
    )
    _print(verdict, given.model, as_json=given.json, dry_run=given.dry_run)
    return 0 if verdict.decision.promoted else REFUSED


def _print(verdict: Verdict, model: str, *, as_json: bool, dry_run: bool) -> None:
    decision, number = verdict.decision, verdict.challenger.number
    against = verdict.champion.number if verdict.champion else None
    if as_json:
        told = asdict(decision) | {"model": model, "version": number, "champion": against}
        print(json.dumps(told, ensure_ascii=False))
        return
    rival = f"champion, version {against}" if against else "the gates alone: no champion yet"
    print(f"{model} version {number} against {rival}")
    for check in decision.checks:
        print(f"  {'passed' if check.passed else 'FAILED'}  {check.name}: {check.found}")
    if decision.rows_needed:
        print(f"  about {decision.rows_needed:,} test rows would decide it")
    would = "would be " if dry_run else ""
    if decision.promoted:
        print(f"{would}promoted: version {number} {'would be' if dry_run else 'is'} champion")
    else:
        print("would be refused" if dry_run else "refused: the champion stays")
