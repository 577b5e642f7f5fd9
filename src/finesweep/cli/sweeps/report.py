"""`finesweep report NAME [--output FILE]`: a sweep's report, one HTML file."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.cli import study_parser
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries

EXAMPLES = """
examples:
  finesweep report demo                            demo.html in the current folder
  finesweep report demo --output demo-monday.html
"""


def run(arguments: Sequence[str]) -> int:
    cli = study_parser("report", "[--output FILE]", overrides="storage.… or tracking.…")
    cli.epilog = EXAMPLES
    cli.add_argument(
        "--output",
        metavar="FILE",
        help="the file to write (default: NAME.html in the current folder)",
    )
    args = cli.parse_intermixed_args(list(arguments))
    silence_libraries()

    from finesweep.api.sweeps import write_report

    collector.resume()
    path = write_report(args.name, args.output, args.overrides)
    print(f"report: {path}")
    return 0
