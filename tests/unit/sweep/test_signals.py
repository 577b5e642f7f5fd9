"""The first signal waits for a safe moment, the second does not."""

from __future__ import annotations

import signal

import pytest

from finesweep.sweep.signals import SIGNALS, deferred_signals


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2"])
def test_the_first_signal_is_noted_and_raised_where_it_is_asked_for(name: str) -> None:
    with deferred_signals() as interruption:
        interruption.check()
        signal.raise_signal(signal.Signals[name])
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            interruption.check()


def test_the_second_signal_interrupts_at_once() -> None:
    with deferred_signals() as interruption:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert interruption.requested


def test_handlers_are_as_before_afterwards_also_after_an_error() -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with pytest.raises(ZeroDivisionError), deferred_signals():
        _fail_unless_other_than(before)
    assert [signal.getsignal(each) for each in SIGNALS] == before


def _fail_unless_other_than(handlers: list[object]) -> None:
    assert not set(handlers) & {signal.getsignal(each) for each in SIGNALS}
    raise ZeroDivisionError
