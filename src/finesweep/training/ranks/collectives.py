"""The ranks of one training: what they add up, and where they stop together.

Every method with a result is a collective: all ranks call the same ones in the same order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.distributed as dist

from finesweep.errors import FinesweepError


class PeerFailedError(FinesweepError):
    """Another rank cannot go on, so this one stops at the same point."""


@dataclass
class Ranks:
    """The processes that train one model, seen from one of them."""

    rank: int = 0
    """In [0, size); rank 0 alone speaks to the study, the tracking store and checkpoints."""
    size: int = 1
    have_stopped: bool = field(default=False, init=False)
    """Whether all ranks know that one of them cannot go on: none is left in a collective."""

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any rank."""
        if self.size == 1:
            return flag
        is_set = self.sum(flag)[0] > 0
        self.have_stopped |= is_set
        return is_set

    def check(self, failure: BaseException | None) -> None:
        """Raises failure; on ranks without one PeerFailedError, if another rank has one."""
        if self.any(failure is not None):
            raise failure or PeerFailedError("another rank has failed")

    def sum(self, *counts: int) -> list[int]:
        """Each count's sum over all ranks. On the CPU: no rank waits for its GPU."""
        if self.size == 1:
            return list(counts)
        sums = torch.tensor(counts, dtype=torch.int64)
        dist.all_reduce(sums)
        totals: list[int] = sums.tolist()
        return totals

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """A scalar's mean over all ranks, on its device; the host does not wait for it."""
        if self.size == 1:
            return value
        total = value.detach().clone()
        dist.all_reduce(total)
        return total / self.size

    def seed_step(self, seed: int, *, step: int) -> None:
        """Seeds torch for one optimizer step of this rank, except of rank 0, whose generators run
        on as without others.

        Dropout so differs between ranks, and a checkpoint of rank 0 is enough to repeat it.
        """
        if self.rank > 0:
            (state,) = np.random.SeedSequence([seed, self.rank, step]).generate_state(1, np.uint64)
            torch.manual_seed(int(state >> np.uint64(1)))

    @contextmanager
    def environment(self) -> Iterator[None]:
        """Within it Accelerate and Trainer take this process for a rank; outside it Trainer works
        on one device, as without others."""
        if self.size == 1:
            yield
            return
        own = {
            "RANK": str(self.rank),
            "LOCAL_RANK": str(self.rank),
            "WORLD_SIZE": str(self.size),
            "LOCAL_WORLD_SIZE": str(self.size),
            # Otherwise Accelerate sets a number of its own on CPUs.
            "OMP_NUM_THREADS": str(torch.get_num_threads()),
        }
        before = {name: os.environ.get(name) for name in own}
        os.environ.update(own)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


ALONE = Ranks()
"""A training on one device."""
