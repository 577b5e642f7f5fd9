"""Messages between processes, which end when either is gone."""

from __future__ import annotations

import socket

from finesweep.runs.ranks.link import Link


def test_messages_arrive_whole_and_in_order_until_the_other_end_closes() -> None:
    here, there = socket.socketpair()
    ours, theirs = Link(here), Link(there)
    sent = [{"text": "two\nlines ä", "numbers": [1, 2.5]}, {"second": True}]
    for message in sent:
        ours.send(message)
    here.sendall(b'{"torn')
    ours.close()
    assert list(theirs.messages()) == sent
    theirs.send({"nobody": "is there"})
    theirs.close()
