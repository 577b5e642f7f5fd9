"""The maximum size of a request: larger ones get status 413 and are not kept in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import JSONResponse

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Room for a thousand texts of eight thousand characters."""
MAX_DRAINED_BYTES = 256 * 1024 * 1024
"""Bytes beyond that which are read and dropped: most clients read the response only after sending
everything."""
UPLOADS = "/gradio_api/upload"
"""Uploads to the page, which Gradio limits itself and stores on disk."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class LimitedBodies:
    """ASGI middleware that passes on whole bodies of at most MAX_BODY_BYTES."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") == UPLOADS:
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if _length(headers) > MAX_BODY_BYTES:
            # A client that sends Expect: 100-continue gets the response at once.
            if b"expect" not in headers:
                await _drain(receive)
            await _refuse(scope, receive, send)
            return
        body, is_whole = await _body(receive)
        if len(body) <= MAX_BODY_BYTES:
            # If the client has disconnected, the app is notified and does not respond.
            await self.app(scope, _replayed(body, receive, is_whole=is_whole), send)
            return
        if not is_whole:
            await _drain(receive)
        await _refuse(scope, receive, send)


def _length(headers: MutableMapping[bytes, bytes]) -> int:
    declared = headers.get(b"content-length", b"")
    return int(declared) if declared.isdigit() else 0


async def _body(receive: Receive) -> tuple[bytes, bool]:
    """The body, or more than MAX_BODY_BYTES of it, and whether it is complete."""
    parts, size = [], 0
    while size <= MAX_BODY_BYTES:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            return b"".join(parts), message["type"] == "http.request"
    return b"".join(parts), False


async def _drain(receive: Receive) -> None:
    size, has_more = 0, True
    while has_more and size <= MAX_DRAINED_BYTES:
        message = await receive()
        size += len(message.get("body", b""))
        has_more = message.get("more_body", False)


def _replayed(body: bytes, receive: Receive, *, is_whole: bool) -> Receive:
    """Returns the body first, and later messages such as a disconnect after it."""
    is_consumed = False

    async def replay() -> Message:
        nonlocal is_consumed
        if is_consumed:
            return await receive()
        is_consumed = True
        return {"type": "http.request", "body": body, "more_body": not is_whole}

    return replay


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    message = f"a request has at most {MAX_BODY_BYTES // 1024**2} MiB; send fewer texts"
    detail = [{"type": "too_large", "loc": ["body"], "msg": message}]
    response = JSONResponse({"detail": detail}, 413, {"connection": "close"})
    await response(scope, receive, send)
