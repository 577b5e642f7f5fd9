"""Which errors mean that the tracking store is away, and their one-line messages."""

from __future__ import annotations

from http import HTTPStatus

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import TimeoutError as PoolTimeout

from finesweep.databases import hidden_password, is_away
from finesweep.errors import ConfigError

PASSING = {
    HTTPStatus.UNAUTHORIZED,  # a password that may be corrected meanwhile
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""Statuses below 500 after which the same request can succeed later."""


def is_tracking_outage(error: BaseException | None) -> bool:
    """Whether the same call can succeed later; False for a bug or a refused value.

    The causes of an error count too, since Optuna wraps errors of its database.
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
    # open_store raises ConfigError when the store does not respond.
    return is_away(error) or isinstance(error, ConfigError | PoolTimeout | OSError)


def one_line(error: BaseException) -> str:
    """The first line of the error's message, without passwords."""
    text = str(error).strip().splitlines() or [type(error).__name__]
    return hidden_password(text[0])
