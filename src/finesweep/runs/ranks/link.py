"""Messages between two processes of one machine: a JSON object per line of a socket.

The socket also tells each that the other has died: it closes.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

Message = dict[str, Any]


class Link:
    """One end of a socket pair."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, message: Mapping[str, Any]) -> None:
        """Sends the message; does nothing when the other end is closed."""
        with suppress(OSError):
            self._end.sendall(json.dumps(message).encode() + b"\n")

    def messages(self) -> Iterator[Message]:
        """Each message as it arrives, until either end is closed."""
        with suppress(OSError), self._end.makefile("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):  # else its sender died as it wrote
                    yield json.loads(line)

    def close(self) -> None:
        """Closes it for the other end too; whoever waits for messages here gets no more."""
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()
