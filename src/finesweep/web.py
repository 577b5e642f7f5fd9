"""Requests to web addresses."""

from __future__ import annotations

from http.client import HTTPResponse
from typing import Any
from urllib.request import HTTPRedirectHandler, Request, build_opener

REDIRECTS = range(300, 400)
"""Codes of HTTP answers that name another address."""


def answer_to(request: Request, *, timeout_seconds: float) -> HTTPResponse:
    """The answer to the request; OSError without one, HTTPError for a redirect too.

    urllib would follow it with a GET without the body, and send the login to the other host.
    """
    answer: HTTPResponse = build_opener(_NoRedirect).open(request, timeout=timeout_seconds)
    return answer


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None
