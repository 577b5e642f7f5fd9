"""Which errors mean that the store is away, and what they say in one line."""

from __future__ import annotations

from http import HTTPStatus

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import TimeoutError as PoolTimeout

from finesweep.databases import hidden_password, is_away
from finesweep.errors import ConfigError

PASSING = {
    HTTPStatus.UNAUTHORIZED,  # a password that somebody is about to set right
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""Answers below 500 after which the same request can succeed later."""


def is_tracking_outage(error: BaseException | None) -> bool:
    """True when the same call can succeed later; false for a bug or a refused value.

    What an error was raised from counts too: Optuna wraps its database's errors.
    """
    while error is not None:
        if _is_outage(error):
            return True
        error = error.__cause__
    return False


def _is_outage(error: BaseException) -> bool:
    if isinstance(error, MlflowException):
        status = int(error.get_http_status_code())  # type: ignore[no-untyped-call]
        return status in PASSING or (status >= 500 and status != HTTPStatus.NOT_IMPLEMENTED)
    # Of these ConfigError is how open_store says that the store does not answer.
    return is_away(error) or isinstance(error, ConfigError | PoolTimeout | OSError)


def one_line(error: BaseException) -> str:
    """The first line of what error says, passwords hidden."""
    text = str(error).strip().splitlines() or [type(error).__name__]
    return hidden_password(text[0])
