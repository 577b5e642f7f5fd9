"""A worker's session in a sweep: lease, delivery and signals, from joining to leaving."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from optuna import Study

from finesweep.config import SweepPlan
from finesweep.disk import require_space
from finesweep.locks import exclusive
from finesweep.runs.ranks import Followers
from finesweep.sweep.launchers.rank_process import followers_of
from finesweep.sweep.parent_run import close_orphans, find_or_start_parent, show_best
from finesweep.sweep.selection.confirmation import candidates, is_confirmed
from finesweep.sweep.selection.latencies import settle_latencies
from finesweep.sweep.selection.registration import register_winner
from finesweep.sweep.selection.state import read_state, studies_of
from finesweep.sweep.signals import Interruption, deferred_signals
from finesweep.sweep.study.leases import Lease
from finesweep.sweep.study.optuna_private import engine_of
from finesweep.sweep.study.storage import retry_while_away
from finesweep.sweep.study.study import join_study
from finesweep.sweep.worker.callbacks import WorkerCallbacks
from finesweep.sweep.worker.phases import Confirmation, Phase, Search
from finesweep.sweep.worker.run_delivery import deliver_orphans, drop_empty, outboxes_of
from finesweep.tracking import Delivery, open_store
from finesweep.tracking.pages.overview import describe_experiment

JOINING_SECONDS = 120.0
"""Longer than a database restart; on a machine that never reaches it, the worker then fails."""
LEAVING_SECONDS = 5.0
"""Time for pending deliveries when a worker leaves; other workers deliver the rest."""


@dataclass(frozen=True)
class WorkerSession:
    """A worker that has joined a sweep: its plan, its study and its callbacks."""

    plan: SweepPlan
    study: Study
    callbacks: WorkerCallbacks
    say: Callable[[str], None]
    is_attached: bool = False
    """Whether the latest sweep command started it, and its time limits it."""
    followers: Followers | None = None
    """The other ranks that train each trial with this process."""

    @property
    def metric(self) -> str:
        return self.plan.settings.metric

    def phases(self) -> Iterator[Phase]:
        """The search, then, once it is finished, the confirmation if there is one."""
        yield Search(self.plan, self.study, is_attached=self.is_attached)
        if (config := self.plan.confirm) is None:
            return
        state = read_state(self.study)
        if not state.is_budget_spent or not candidates(state.contenders, config):
            return
        confirmation = Confirmation(self.plan, self.study, config, say=self._say)
        self.callbacks.lease.switch_study(confirmation.study.study_name)
        yield confirmation

    def _say(self, message: str) -> None:
        self.say(message)
        self.callbacks.beat()

    def finish(self) -> bool:
        """Whether the sweep is finished: all slots are, all runs are delivered, and the winner is
        evaluated and registered.

        A lock makes one worker do it; the others find it done.
        """
        state = read_state(self.study)
        if not state.is_budget_spent or not is_confirmed(state, self.plan.confirm):
            return False
        if self.followers is not None:  # the rest needs one device
            self.followers.close()
        with exclusive(engine_of(self.study), f"{self.study.study_name}.crown"):
            while not self.callbacks.delivery.wait(1.0):
                self.callbacks.beat()
            store = open_store(self.plan.base.config.tracking)
            deliver_orphans(self.plan, self.study, store)
            parent = find_or_start_parent(store, self.study, self.plan)
            for study in studies_of(self.study).values():
                close_orphans(parent, study)
            settle_latencies(self.plan, self.study, self._say)
            show_best(store, self.study)
            register_winner(self.plan, self.study, read_state(self.study), store)
            parent.finish("FINISHED")
        self.callbacks.delivery.call(describe_experiment, key="experiment")
        return True


@contextmanager
def worker_session(
    name: str,
    url: str,
    overrides: Sequence[str],
    *,
    say: Callable[[str], None],
    on_hang: Callable[[], None],
    is_attached: bool = False,
) -> Iterator[WorkerSession]:
    """A worker that has joined this study; its lease and its delivery end with the context.

    A worker attached to a coordinator, which has already reached the storage, waits up to
    JOINING_SECONDS when the storage is away as it joins.
    """
    with deferred_signals() as interruption:
        on_wait = _on_wait(interruption, say)
        plan, study = retry_while_away(
            lambda: join_study(name, url, overrides, on_wait),
            on_wait,
            max_seconds=JOINING_SECONDS if is_attached else 0,
        )
        config = plan.base.config
        require_space(config.storage.checkpoints)
        delivery = Delivery(config.tracking, on_outage=say)
        lease = Lease(
            engine_of(study),
            name,
            lease_seconds=plan.settings.lease_seconds,
            hang_seconds=plan.settings.hang_seconds,
            on_hang=on_hang,
        )
        callbacks = WorkerCallbacks(
            lease, interruption, delivery, outboxes=outboxes_of(plan), say=say
        )
        try:
            delivery.call(lambda store: deliver_orphans(plan, study, store), key="orphans")
            with followers_of(config.launcher) as followers:
                yield WorkerSession(plan, study, callbacks, say, is_attached, followers)
            interruption.check()
        finally:
            delivery.wait(LEAVING_SECONDS)
            delivery.stop()
            lease.leave()
            drop_empty(outboxes_of(plan) / lease.id)


def _on_wait(interruption: Interruption, say: Callable[[str], None]) -> Callable[[str], None]:
    def on_wait(why: str) -> None:
        say(f"waiting for the storage: {why}")
        interruption.check()

    return on_wait
