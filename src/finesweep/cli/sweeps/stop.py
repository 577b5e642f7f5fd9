"""`finesweep stop NAME`: ask every worker of a sweep to finish its slot and exit."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.cli import study_parser
from finesweep.config import compose
from finesweep.wording import counted


def run(arguments: Sequence[str]) -> int:
    cli = study_parser("stop", "", overrides="for example storage.url=…")
    args = cli.parse_intermixed_args(list(arguments))
    url = compose(args.overrides).config.storage.url

    from finesweep.sweep.stop_and_delete import stop

    n_workers, command = stop(args.name, url)
    if n_workers:
        print(f"stopping {counted(n_workers, 'worker')}; each finishes its slot first")
    else:
        print("no worker is running; none starts a trial until it is resumed")
    print(f"resume with: {command}")
    return 0
