"""How large a request may be: what is larger is answered with status 413, and never kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import JSONResponse

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes: a thousand texts of eight thousand characters."""
LARGEST_DRAINED = 256 * 1024 * 1024
"""Bytes that are read past that, and dropped: most clients hear an answer only once they have sent
all."""
UPLOADS = "/gradio_api/upload"
"""Files for the page, which Gradio measures itself and keeps on disk."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class LimitedBodies:
    """An ASGI app in front of another, which gets whole bodies of at most LARGEST_BODY bytes."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") == UPLOADS:
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if _length(headers) > LARGEST_BODY:
            # Who asks first whether to go on is told at once.
            if b"expect" not in headers:
                await _drain(receive)
            await _refuse(scope, receive, send)
            return
        body, is_whole = await _body(receive)
        if len(body) <= LARGEST_BODY:
            # Of a client that has gone the app hears so itself, and answers nothing.
            await self.app(scope, _replayed(body, receive, is_whole=is_whole), send)
            return
        if not is_whole:
            await _drain(receive)
        await _refuse(scope, receive, send)


def _length(headers: MutableMapping[bytes, bytes]) -> int:
    said = headers.get(b"content-length", b"")
    return int(said) if said.isdigit() else 0


async def _body(receive: Receive) -> tuple[bytes, bool]:
    """The body, or more than LARGEST_BODY bytes of it, and whether that is all."""
    parts, size = [], 0
    while size <= LARGEST_BODY:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            return b"".join(parts), message["type"] == "http.request"
    return b"".join(parts), False


async def _drain(receive: Receive) -> None:
    size, goes_on = 0, True
    while goes_on and size <= LARGEST_DRAINED:
        message = await receive()
        size += len(message.get("body", b""))
        goes_on = message.get("more_body", False)


def _replayed(body: bytes, receive: Receive, *, is_whole: bool) -> Receive:
    """Gives the body at once, and then what else there is to hear: that the client has gone."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": not is_whole}

    return replay


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    told = f"a request has at most {LARGEST_BODY // 1024**2} MiB; ask with fewer texts"
    detail = [{"type": "too_large", "loc": ["body"], "msg": told}]
    answer = JSONResponse({"detail": detail}, 413, {"connection": "close"})
    await answer(scope, receive, send)
