"""Callbacks of a running trial: they renew its lease, print, open its outbox, and interrupt it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from finesweep.disk import wait_for_space
from finesweep.sweep.signals import Interruption
from finesweep.sweep.study.leases import Lease
from finesweep.tracking import Delivery, Outbox


class WorkerCallbacks:
    """One worker's callbacks: beat, waiting and stepped count as progress and raise
    KeyboardInterrupt after a signal."""

    def __init__(
        self,
        lease: Lease,
        interruption: Interruption,
        delivery: Delivery,
        *,
        outboxes: Path,
        say: Callable[[str], None],
    ) -> None:
        self.lease, self.interruption, self.delivery = lease, interruption, delivery
        self.outboxes, self.say = outboxes, say

    @property
    def worker(self) -> str:
        return self.lease.id

    def is_interrupted(self) -> bool:
        return self.interruption.requested

    def beat(self) -> None:
        self.lease.touch()
        self.interruption.check()

    def waiting(self, why: str) -> None:
        """Reports a wait for disk space or the database, which is not a hang."""
        self.say(f"waiting: {why}")
        self.beat()

    def stepped(self, examples: int, total: int) -> None:
        self.lease.touch(examples, total)
        self.interruption.check()

    def evaluated(self) -> None:
        self.lease.touch()
        self.lease.publish()

    def outbox(
        self,
        folder: str,
        *,
        uid: str,
        name: str,
        parent_run_id: str | None,
        tags: Mapping[str, Any],
    ) -> Outbox:
        """A new outbox of this worker, delivered as it grows; its writes wait while the disk is
        full."""
        outbox = Outbox.open(
            self.outboxes / self.worker / folder,
            uid=uid,
            name=name,
            parent_run_id=parent_run_id,
            tags=tags,
            retry_write=lambda write: wait_for_space(write, self.waiting),
        )
        self.delivery.add(outbox.folder)
        return outbox
