"""What a running trial tells its lease, its screen and its outbox; and what stops it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from finesweep.disk import wait_for_space
from finesweep.sweep.signals import Interruption
from finesweep.sweep.study.leases import Lease
from finesweep.tracking import Delivery, Outbox


class WorkerCallbacks:
    """One worker's ears and mouth: each call is progress, and raises when it was interrupted."""

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
        """Waiting for room or for the database is no hang."""
        self.say(f"waiting: {why}")
        self.beat()

    def stepped(self, seen: int, total: int) -> None:
        self.lease.touch(seen, total)
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
        """A new outbox of this worker, delivered as it grows; it waits out a full disk."""
        made = Outbox.open(
            self.outboxes / self.worker / folder,
            uid=uid,
            name=name,
            parent_run_id=parent_run_id,
            tags=tags,
            retry_write=lambda write: wait_for_space(write, self.waiting),
        )
        self.delivery.add(made.folder)
        return made
