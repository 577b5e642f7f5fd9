"""`finesweep compare RUN… | SWEEP… [--json] [--output FILE]`: runs or sweeps side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from finesweep.api.review.comparison import check_names, compare_named
from finesweep.cli import parser
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose

EXAMPLES = """
examples:
  finesweep compare tweets imdb                                 two sweeps
  finesweep compare 3f2a 9bd1 models:/tweets@champion           three runs
  finesweep compare tweets imdb --output comparison.html
"""


def run(arguments: Sequence[str]) -> int:
    cli = parser("compare", "NAME NAME… [OVERRIDE…] [--json] [--output FILE]")
    cli.epilog = EXAMPLES
    cli.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help="a run's id, its beginning, its name, or models:/NAME@ALIAS; or a sweep. With =, an"
        " override such as tracking.uri=…",
    )
    cli.add_argument("--json", action="store_true", help="print JSON")
    cli.add_argument("--output", metavar="FILE", help="also write an HTML page")
    args = cli.parse_intermixed_args(list(arguments))
    overrides = [text for text in args.names if "=" in text]
    names = [text for text in args.names if text not in overrides]
    check_names(names, field="NAME")
    config = compose(overrides).config
    silence_libraries()
    comparison = compare_named(names, config)
    if args.output:
        from finesweep.report.comparison_page import write_comparison

        write_comparison(args.output, comparison, field="--output")
    if args.json:
        print(json.dumps(asdict(comparison), ensure_ascii=False))
        return 0

    from finesweep.api.console import screen
    from finesweep.cli.screens.comparison import print_comparison

    print_comparison(screen(), comparison)
    if args.output:
        print(f"\npage: {args.output}")
    return 0
