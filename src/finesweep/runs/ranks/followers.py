"""The other ranks of this process's runs, as rank 0 sees them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Protocol

from finesweep.ledger import TimeLedger
from finesweep.runs.ranks.link import Link, Message
from finesweep.runs.ranks.orders import LostRankError, Order, error_in
from finesweep.training.ranks import ALONE, PeerFailedError, Ranks, join, leave

MEETING = "meeting"
"""Name of the file by which ranks find each other."""
BEAT_SECONDS = 0.5
ANSWER_SECONDS = 60.0
"""Time for followers to answer once training has ended on all ranks at the same step."""
CAUSE_SECONDS = 3.0
"""Time for a follower's own error to arrive, which ended a step here too."""
STUCK_SECONDS = 30.0
"""Time that this process may go on training with a follower that has died: on a GPU a step that
waits for it never ends."""


class FollowerProcess(Protocol):
    """A started follower."""

    def kill(self) -> None:
        """Ends it at once and waits for its end."""


StartFollower = Callable[[socket.socket], FollowerProcess]
"""Starts a follower with this end of its connection, which is then closed here."""


@dataclass
class Team:
    """Followers that were started together, and what they have answered."""

    links: list[Link] = field(default_factory=list)
    """Of ranks 1, 2 and so on."""
    processes: list[FollowerProcess] = field(default_factory=list)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="finesweep-")))
    """Of MEETING."""
    changed: threading.Condition = field(default_factory=threading.Condition)
    answers: dict[tuple[int, int], Message] = field(default_factory=dict)
    """(rank, id of an order) → the latest answer."""
    lost: set[int] = field(default_factory=set)
    is_training: bool = False

    def watch(self, rank: int, on_stuck: Callable[[], None]) -> None:
        """Receives a follower's answers until it is gone; then a training must end too."""
        for message in self.links[rank - 1].messages():
            with self.changed:
                self.answers[rank, message["id"]] = message
                self.changed.notify_all()
        with self.changed:
            self.lost.add(rank)
            self.changed.notify_all()
            has_ended = self.changed.wait_for(lambda: not self.is_training, STUCK_SECONDS)
        if not has_ended:
            on_stuck()

    def begin(self) -> None:
        """A training with them begins; LostRankError when one has died."""
        with self.changed:
            if self.lost:
                raise LostRankError(f"rank {min(self.lost)} died")
            self.is_training = True

    def end(self) -> None:
        with self.changed:
            self.is_training = False
            self.changed.notify_all()

    def answer(self, rank: int, order: int, kind: str, *, seconds: float) -> Message | None:
        """The follower's answer of this kind, or that it failed; None if none comes in time.

        LostRankError when it has died.
        """

        def given() -> Message | None:
            message = self.answers.get((rank, order), {})
            return message if kind in message or "failed" in message else None

        with self.changed:
            self.changed.wait_for(lambda: given() or rank in self.lost, seconds)
            if (message := given()) is None and rank in self.lost:
                raise LostRankError(f"rank {rank} died")
            return message

    def failure(self, order: int, *, seconds: float) -> Exception | None:
        """What a follower raised, or that one has died; None if neither within seconds."""

        def reported() -> Exception | None:
            for (rank, number), message in self.answers.items():
                if number == order and message.get("failed"):
                    return error_in(message["failed"], rank=rank)
            return None

        with self.changed:
            self.changed.wait_for(lambda: reported() or self.lost, seconds)
            lost = LostRankError(f"rank {min(self.lost)} died") if self.lost else None
            return reported() or lost

    def dissolve(self) -> None:
        """Ends all of them at once."""
        self.end()
        for link in self.links:
            link.close()
        for process in self.processes:
            process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Followers:
    """Ranks 1 to size - 1: they are started with the first run and stay warm over many.

    They hold nothing that lasts: after an error that did not end all ranks at the same step they
    are killed, and others are started for the next run.
    """

    def __init__(
        self, size: int, start: StartFollower, *, on_stuck: Callable[[], None] | None = None
    ) -> None:
        """size: number of ranks, this one included. on_stuck: called when a follower has died and
        this process still trains with it; by default it kills itself, as if it had died too."""
        self.size, self._start = size, start
        self._on_stuck = on_stuck or _kill_this_process
        self._ids, self._order = count(1), 0
        self._team: Team | None = None
        self._is_joined = False

    def prepare(self, order: Order) -> None:
        """Has all followers load a run, while this process does; an earlier one is dropped."""
        if self._team is not None and self._team.lost:
            self.kill()
        if self._team is None:
            self._team = self._started()
        self._order = next(self._ids)
        for link in self._team.links:
            link.send({"id": self._order, "train": order.plain()})

    def wait_until_ready(self, on_wait: Callable[[], None]) -> None:
        """Returns when all followers have loaded the prepared run; calls on_wait every
        BEAT_SECONDS. Raises what a follower raised, and LostRankError when one has died."""
        for rank in range(1, self.size):
            while True:
                answer = self._ready.answer(rank, self._order, "ready", seconds=BEAT_SECONDS)
                if answer is not None:
                    break
                on_wait()
            if "failed" in answer:
                raise error_in(answer["failed"], rank=rank)

    @contextmanager
    def training(self) -> Iterator[Ranks]:
        """Within it this process trains the prepared run, as rank 0 of the ranks that it gets.

        All must be ready. Raises what a follower raised, and LostRankError when one has died.
        """
        team, ranks = self._ready, Ranks(0, self.size)
        try:
            team.begin()
            self._go(team)
            yield ranks
        except BaseException as error:
            cause = self._cause(team, ranks, error)
            if ranks.have_stopped:
                self._settle(team)
            else:
                self.kill()
            if cause is not None:
                raise cause from error
            raise
        self._settle(team)

    def kill(self) -> None:
        """Ends all followers in whatever they do."""
        self._end(is_broken=True)

    def close(self) -> None:
        """Ends all followers, between two runs."""
        self._end(is_broken=False)

    @property
    def _ready(self) -> Team:
        assert self._team is not None, "prepare comes first"
        return self._team

    def _started(self) -> Team:
        team = Team()
        for _ in range(1, self.size):
            ours, theirs = socket.socketpair()
            with theirs:
                team.processes.append(self._start(theirs))
            team.links.append(Link(ours))
        for rank in range(1, self.size):
            watch = threading.Thread(target=team.watch, args=(rank, self._on_stuck), daemon=True)
            watch.start()
        return team

    def _go(self, team: Team) -> None:
        meeting = team.folder / MEETING
        for rank, link in enumerate(team.links, 1):
            where = {"rank": rank, "size": self.size, "meeting": str(meeting)}
            link.send({"id": self._order, "go": where})
        if not self._is_joined:
            join(0, self.size, meeting=meeting)
            self._is_joined = True

    def _cause(self, team: Team, ranks: Ranks, error: BaseException) -> Exception | None:
        """The follower's error behind an error that ended training here, if there is one."""
        if isinstance(error, PeerFailedError):
            return team.failure(self._order, seconds=ANSWER_SECONDS)
        if isinstance(error, RuntimeError) and not ranks.have_stopped:
            return team.failure(self._order, seconds=CAUSE_SECONDS)
        return None

    def _settle(self, team: Team) -> None:
        """Waits until all followers have ended the run too; kills them when one does not."""
        try:
            for rank in range(1, self.size):
                if team.answer(rank, self._order, "done", seconds=ANSWER_SECONDS) is None:
                    self.kill()
                    return
        except LostRankError:  # the run itself has ended
            self.kill()
            return
        team.end()

    def _end(self, *, is_broken: bool) -> None:
        if self._is_joined:
            self._is_joined = False
            leave(is_broken=is_broken)
        if self._team is not None:
            self._team.dissolve()
            self._team = None


@contextmanager
def training_ranks(
    followers: Followers | None, on_wait: Callable[[], None], ledger: TimeLedger
) -> Iterator[Ranks]:
    """Followers.training once all are ready, or without followers a training on one device."""
    if followers is None:
        yield ALONE
        return
    with ledger.on("waiting"):
        followers.wait_until_ready(on_wait)
    with followers.training() as ranks:
        yield ranks


def _kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
