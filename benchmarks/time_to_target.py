"""Time until a sweep is as good as an Optuna sweep of sixteen trials around Trainer ends.

python benchmarks/time_to_target.py SET... --results FILE [--seeds 0 1 2] [--peers NAME...]
python benchmarks/time_to_target.py --results FILE --report [--picture FILE.svg]

SET is a folder with train.parquet and validation.parquet (columns text and label), or one of
finesweep's datasets, such as tweets. Each peer runs in a process of its own, with one thread, on
the same rows and search space:

tpe        Optuna's TPE with a median pruner at the epochs' ends: its best loss is the target
gp         the same with Optuna's Gaussian process
random     random search with the same pruner, up to 32 trials
asha       Ray Tune's ASHA, up to 32 configurations
finesweep  its defaults
finesweep-no-portfolio, finesweep-tpe, finesweep-median   without one of its features each

--variant NAME 'OVERRIDE ...' adds a peer: finesweep with these overrides. --override SET
'OVERRIDE ...' adds overrides to each finesweep peer on that set, or on `all`, such as the one that
leaves the set out of what finesweep has learned. {set} and {seed} in overrides are replaced.
--files FOLDER copies FOLDER/SET, where it exists, into finesweep's project on that set: with
portfolios chosen without the set, they replace the packaged ones of the same names.

for set in imdb sst2; do
    grep -v "\\"$set\\"" CURVES.jsonl > $set.jsonl
    python benchmarks/portfolio.py $set.jsonl --output FOLDER/$set/portfolios
done

CPU seconds of all of a peer's processes decide; wall seconds stand beside them. A clock starts when
all is imported and the study exists. A peer stops at the target (with --full it goes on) or when
its time is used: tpe's whole time for finesweep, twice that for the others. Its winner is trained
again with two fresh seeds, off the clock. Each process times one fixed product of matrices first
and last, its pace: a peer that ran while the machine was slower shows it. What the results file
holds is not run again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from target.clock import pace
from target.peers import ASHA, DEFAULT, OTHERS, OURS, run_peer
from target.race import Race, name_of
from target.results import Results, read_records
from target.task import Task

EVERY_SET = "all"


def main() -> int:
    given = arguments()
    if given.task:
        run_task(given.task)
        return 0
    failed = run_missing(given) if given.sets else 0
    if given.report or given.picture:
        show(given.results, given.picture)
    return 1 if failed else 0


def arguments() -> argparse.Namespace:
    cli = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cli.add_argument("sets", nargs="*", metavar="SET")
    cli.add_argument("--results", type=Path, default=Path("time_to_target.jsonl"))
    cli.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    names = (*OTHERS, *OURS)
    cli.add_argument("--peers", nargs="*", choices=names, default=DEFAULT, metavar="NAME")
    cli.add_argument("--variant", nargs=2, action="append", default=[], metavar=("NAME", "TEXT"))
    cli.add_argument("--override", nargs=2, action="append", default=[], metavar=("SET", "TEXT"))
    cli.add_argument("--files", type=Path, metavar="FOLDER")
    cli.add_argument("--train", type=int, default=300, help="train rows, 300 by default")
    cli.add_argument("--validation", type=int, default=200, help="validation rows, 200")
    cli.add_argument("--full", action="store_true", help="go on after the target")
    cli.add_argument("--report", action="store_true", help="print what the results say")
    cli.add_argument("--picture", type=Path, help="anytime curves, as .svg or .png")
    cli.add_argument("--task", help=argparse.SUPPRESS)
    return cli.parse_args()


def run_task(task: str) -> None:
    """Runs one peer in this process; its outcome is the last line printed."""
    paces = [pace()]
    with redirect_stdout(sys.stderr):
        outcome = run_peer(Task.from_json(task))
    print(json.dumps({**outcome.as_record(), "pace": [*paces, pace()]}))


def run_missing(given: argparse.Namespace) -> int:
    """Runs what the results lack, seed by seed; returns how many peers failed."""
    results = Results(given.results, {"train": given.train, "validation": given.validation})
    ours = OURS | dict(given.variant)
    peers = (*installed(given.peers), *dict(given.variant))
    failed = 0
    with tempfile.TemporaryDirectory(prefix="finesweep-target-") as folder:
        for seed in given.seeds:
            for source in given.sets:
                here = [
                    text for name, text in given.override if name in (name_of(source), EVERY_SET)
                ]
                overrides = {peer: " ".join([text, *here]) for peer, text in ours.items()}
                race = Race(source, seed, results, overrides, given.files, given.full)
                failed += race.run(peers, Path(folder).resolve())
    return failed


def installed(peers: Sequence[str]) -> list[str]:
    """The peers whose packages are installed; one sentence about another."""
    from target.ray_peer import MISSING, is_installed

    if ASHA in peers and not is_installed():
        print(MISSING)
        return [peer for peer in peers if peer != ASHA]
    return list(peers)


def show(results: Path, picture: Path | None) -> None:
    """Prints the report, and draws the picture."""
    from target.picture import draw
    from target.report import report

    records = list(read_records(results))
    print(report(records))
    if picture:
        draw(records, picture)


if __name__ == "__main__":
    sys.exit(main())
