"""`finesweep promote MODEL`: make the challenger champion if it passes the gate."""

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

exit codes: 0 promoted, 3 refused (nothing changes)
"""


def run(arguments: Sequence[str]) -> int:
    cli = parser("promote", "MODEL [OVERRIDE…] [--version N] [--mode MODE] [--dry-run] [--json]")
    cli.epilog = EXAMPLES
    cli.add_argument("model", metavar="MODEL", help="name of a registered model")
    overrides = "registry.…, tracking.… or storage.…"
    cli.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help=overrides)
    cli.add_argument(
        "--version", metavar="N", help="version to promote (default: the alias challenger)"
    )
    cli.add_argument("--mode", choices=MODES, default="superiority", help="default: superiority")
    cli.add_argument(
        "--margin",
        type=float,
        default=0.005,
        help="accuracy that non-inferiority may lose (default: 0.005)",
    )
    cli.add_argument(
        "--alpha", type=float, default=0.05, help="error rate over all attempts (default: 0.05)"
    )
    cli.add_argument("--dry-run", action="store_true", help="decide without changing anything")
    cli.add_argument("--json", action="store_true", help="print the decision as JSON")
    args = cli.parse_intermixed_args(list(arguments))
    check_terms(margin=args.margin, alpha=args.alpha, prefix="--")
    require_model_name(args.model, field="MODEL")
    config = compose(args.overrides).config
    silence_libraries()

    from finesweep.registry.promote import Terms, promote

    verdict = promote(
        config,
        args.model,
        number=args.version,
        terms=Terms(args.mode, args.margin, args.alpha),
        dry_run=args.dry_run,
    )
    _print(verdict, args.model, as_json=args.json, dry_run=args.dry_run)
    return 0 if verdict.decision.promoted else REFUSED


def _print(verdict: Verdict, model: str, *, as_json: bool, dry_run: bool) -> None:
    decision, number = verdict.decision, verdict.challenger.number
    champion = verdict.champion.number if verdict.champion else None
    if as_json:
        record = asdict(decision) | {"model": model, "version": number, "champion": champion}
        print(json.dumps(record, ensure_ascii=False))
        return
    rival = f"champion, version {champion}" if champion else "the minimum requirements only"
    print(f"{model} version {number} against {rival}{'' if champion else ' (no champion yet)'}")
    for check in decision.checks:
        print(f"  {'passed' if check.passed else 'FAILED'}  {check.name}: {check.found}")
    if decision.rows_needed:
        print(f"  about {decision.rows_needed:,} test rows are needed to decide")
    would = "would be " if dry_run else ""
    if decision.promoted:
        print(f"{would}promoted: version {number} {would.strip() or 'is'} champion")
    else:
        print("would be refused" if dry_run else "refused: the champion stays")
    if verdict.report:
        print(f"report: {verdict.report}")
