"""`finesweep watch NAME [--port PORT]`: a sweep's report on loopback, as the sweep goes on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from finesweep.cli import check_port, study_parser
from finesweep.cli.startup import collector
from finesweep.cli.startup.quiet import silence_libraries
from finesweep.config import compose


def run(arguments: Sequence[str]) -> int:
    cli = study_parser("watch", "[--port PORT]", overrides="storage.… or tracking.…")
    cli.add_argument("--port", type=int, default=5001, help="default: 5001; 0 is any free one")
    args = cli.parse_intermixed_args(list(arguments))
    check_port(args.port, lowest=0)
    silence_libraries()
    url = compose(args.overrides).config.storage.url

    from finesweep.sweep.study.study import find_study

    study = find_study(args.name, url)

    from finesweep.report.live import LiveReport, serve

    live = LiveReport(study, args.overrides)
    live.page()  # a study that has no report is told here and not in a browser
    collector.resume()
    with suppress(KeyboardInterrupt):
        serve(live, args.port, on_ready=_tell_address, say=partial(print, flush=True))
    return 0


def _tell_address(address: str) -> None:
    print(f"{address} shows the sweep as it goes on; Ctrl-C ends this page only", flush=True)
