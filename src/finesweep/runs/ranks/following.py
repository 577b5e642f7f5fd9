"""A follower: a process that trains what rank 0 tells it to, and writes and reports nothing else.

    → {"id", "train": order}                      load model and tokens
    ← {"id", "ready"} or {"id", "failed": failure}
    → {"id", "go": {"rank", "size", "meeting"}}   train with the others
    ← {"id", "done"} or {"id", "failed": failure}

It ends when its connection closes: rank 0 has ended, or has no more for it.
"""

from __future__ import annotations

import os
import queue
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch.distributed as dist

from finesweep.config.recorded import config_in
from finesweep.dataset import load_dataset
from finesweep.runs.preparation import model_of, tokens_of
from finesweep.runs.ranks.link import Link, Message
from finesweep.runs.ranks.orders import Order, order_in, plain_failure
from finesweep.training import fit, why_unsound
from finesweep.training.ranks import PeerFailedError, Ranks, join

Prepared = Callable[[Ranks], object]
"""Trains with the other ranks."""
STOPPED = {"failed": None}
"""Answer of a rank that stopped because another one has failed."""


def follow(end: socket.socket) -> None:
    """Trains until the connection closes, which ends the process at once: it may be waiting for
    ranks that are no more."""
    follower = Follower(Link(end))
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def receive() -> None:
        for message in follower.link.messages():
            inbox.put(message)
        os._exit(0)

    threading.Thread(target=receive, daemon=True, name="link").start()
    while True:
        follower.obey(inbox.get())


@dataclass
class Follower:
    """One rank besides rank 0."""

    link: Link
    prepared: Prepared | None = None

    def obey(self, message: Message) -> None:
        """Does what a message says, and answers; exits when the process group, or this process, is
        broken."""
        ranks = None
        try:
            if "train" in message:
                self.prepared = None  # frees the last model's memory
                self.prepared = prepare(order_in(message["train"]))
                answer: Message = {"ready": True}
            else:
                ranks = _joined(message["go"])
                train, self.prepared = self.prepared, None
                assert train is not None, "rank 0 waits for this one to be ready"
                train(ranks)
                answer = {"done": True}
        except PeerFailedError:
            answer = dict(STOPPED)
        except Exception as error:
            answer = {"failed": plain_failure(error)}
            print(answer["failed"]["traceback"], file=sys.stderr, flush=True)
        self.link.send({"id": message["id"], **answer})
        if "failed" in answer:
            is_group_broken = ranks is not None and not ranks.have_stopped
            if is_group_broken or why_unsound():
                os._exit(1)


def prepare(order: Order) -> Prepared:
    """What trains an order, with its model and its tokens loaded."""
    config = config_in(order.config)
    dataset = load_dataset(config.dataset)
    model, tokenizer, _ = model_of(dataset, config)
    tokens = tokens_of(dataset, tokenizer, config)

    def train(ranks: Ranks) -> object:
        return fit(
            model,
            tokens,
            config.training,
            objective=order.objective,
            on_evaluation=lambda evaluation: None,
            resume=None if order.resume is None else Path(order.resume),
            ranks=ranks,
        )

    return train


def _joined(where: Message) -> Ranks:
    rank, size = where["rank"], where["size"]
    if not dist.is_initialized():
        join(rank, size, meeting=Path(where["meeting"]))
    return Ranks(rank, size)
