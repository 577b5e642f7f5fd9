"""Time accounting of a run: each second counts for the innermost active part."""

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
    """Seconds by part, for one trial or run."""

    def __init__(self) -> None:
        self.seconds: dict[Part, float] = dict.fromkeys(PARTS, 0.0)
        self.first_step: float | None = None
        """Time of the first training step, by time.monotonic()."""
        self.n_examples = 0
        self.n_tokens = 0
        """Tokens trained on in this process, without padding."""
        self.saved_by_cache = 0.0
        """Estimated seconds saved by reading activations instead of computing them."""
        self._open: list[Part] = []
        self._since = time.monotonic()

    @contextmanager
    def on(self, part: Part) -> Iterator[None]:
        """Within it time counts for part, except in nested parts."""
        self._add_elapsed()
        self._open.append(part)
        try:
            yield
        finally:
            self._add_elapsed()
            self._open.pop()

    def count_batch(self, n_examples: int, n_tokens: int) -> None:
        """Counts a training batch; call it before the step."""
        if self.first_step is None:
            self.first_step = time.monotonic()
        self.n_examples += n_examples
        self.n_tokens += n_tokens

    def metrics(self) -> dict[str, float]:
        """`seconds/part` of each part, and examples and tokens per second of training."""
        seconds = {f"seconds/{part}": spent for part, spent in self.seconds.items()}
        training = self.seconds["training"]
        if training:
            seconds["train/examples_per_second"] = self.n_examples / training
            seconds["train/tokens_per_second"] = self.n_tokens / training
        return seconds | {"seconds_saved/cache": self.saved_by_cache}

    def _add_elapsed(self) -> None:
        now = time.monotonic()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now
