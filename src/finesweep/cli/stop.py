"""`finesweep stop NAME`: all workers of a sweep, wherever they are, finish their slot and leave."""

from __future__ import annotations

from collections.abc import Sequence

from finesweep.cli import study_parser
from finesweep.config import compose
from finesweep.wording import counted


def run(arguments: Sequence[str]) -> int:
    cli = study_parser("stop", "", overrides="such as storage.url=…")
    given = cli.parse_intermixed_args(list(arguments))
    url = compose(given.overrides).config.storage.url

    from finesweep.sweep.stop_and_delete import stop

    n_workers, command = stop(given.name, url)
    print(f"{counted(n_workers, 'worker')} will finish their slot and leave")
    print(f"{command} goes on")
    return 0
