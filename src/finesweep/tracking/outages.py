"""Which errors mean that the store is away, and texts that show no password."""

from __future__ import annotations

from http import HTTPStatus

from mlflow.exceptions import MlflowException
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from finesweep.errors import ConfigError

PASSING = {
    HTTPStatus.UNAUTHORIZED,  # a password that somebody is about to set right
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""Answers below 500 after which the same request can succeed later."""


def is_outage(error: BaseException | None) -> bool:
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
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # Of these ConfigError is how open_store says that the store does not answer.
    return isinstance(error, ConfigError | OperationalError | PoolTimeout | OSError)


def one_line(error: BaseException, uri: str) -> str:
    """The first line of what error says, the password of uri hidden."""
    text = str(error).strip().splitlines() or [type(error).__name__]
    password = _password(uri)
    shown = text[0].replace(uri, shown_uri(uri))
    return shown.replace(f":{password}@", ":***@") if password else shown


def shown_uri(uri: str) -> str:
    """uri as it may be printed: *** in place of a password."""
    return make_url(uri).render_as_string(hide_password=True) if _password(uri) else uri


def _password(uri: str) -> str | None:
    try:
        return make_url(uri).password
    except (ArgumentError, ValueError):  # a folder, or nonsense: refused elsewhere
        return None
