"""Where a run's seconds go: each second belongs to one part, the innermost that is under way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

Part = Literal[
    "loading", "tokenizing", "caching", "training", "evaluating", "saving", "logging", "waiting"
]
PARTS: tuple[Part, ...] = get_args(Part)


class TimeLedger:
    """Seconds by part, of one trial or of a single run."""

    def __init__(self) -> None:
        self.seconds: dict[Part, float] = dict.fromkeys(PARTS, 0.0)
        self.first_step: float | None = None
        """When the first training step began, by time.monotonic()."""
        self.n_examples = 0
        self.n_tokens = 0
        """Trained on in this process, padding not counted."""
        self.saved_by_cache = 0.0
        """Seconds that computing the states would have taken which were read."""
        self._open: list[Part] = []
        self._since = time.monotonic()

    @contextmanager
    def on(self, part: Part) -> Iterator[None]:
        """Books the time within to part, but for what other parts take within it."""
        self._book()
        self._open.append(part)
        try:
            yield
        finally:
            self._book()
            self._open.pop()

    def stepped(self, n_examples: int, n_tokens: int) -> None:
        """A batch is about to be trained on."""
        if self.first_step is None:
            self.first_step = time.monotonic()
        self.n_examples += n_examples
        self.n_tokens += n_tokens

    def metrics(self) -> dict[str, float]:
        """`seconds/part` of each part, and what was trained on in each second of training."""
        seconds = {f"seconds/{part}": spent for part, spent in self.seconds.items()}
        training = self.seconds["training"]
        if training:
            seconds["train/examples_per_second"] = self.n_examples / training
            seconds["train/tokens_per_second"] = self.n_tokens / training
        return seconds | {"seconds_saved/cache": self.saved_by_cache}

    def _book(self) -> None:
        now = time.monotonic()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now
