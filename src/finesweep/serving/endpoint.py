"""The JSON API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException

from finesweep.errors import nearest
from finesweep.pairs import join_pair_or_none, mark_problem
from finesweep.prediction.wording import prediction_json
from finesweep.serving.limits import LimitedBodies
from finesweep.serving.service import Service

N_TEXTS = 1024
"""Maximum number of texts or pairs in a request."""
MAX_ERRORS = 10
"""Maximum number of errors reported for a request."""
MAX_NAME = 60
"""Maximum length of a field's name in an error, of those that a client made up."""


def _text(text: str) -> str:
    # Half a surrogate pair, as in tweets truncated in JSON, becomes U+FFFD, as in files.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _side(text: str) -> str:
    if problem := mark_problem(text):
        raise PydanticCustomError("side", problem)
    return _text(text)


Text = Annotated[str, AfterValidator(_text)]
Side = Annotated[str, AfterValidator(_side)]
# A tuple would report a missing text as a missing field.
Pair = Annotated[list[Side], Field(min_length=2, max_length=2)]


class PredictRequest(BaseModel):
    """The body of POST /api/predict: texts, or pairs for a model of pairs."""

    model_config = ConfigDict(extra="forbid")

    texts: Annotated[list[Text], Field(min_length=1, max_length=N_TEXTS)] | None = None
    pairs: Annotated[list[Pair], Field(min_length=1, max_length=N_TEXTS)] | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None


def endpoint(service: Service) -> FastAPI:
    """An app with POST /api/predict, GET /api/model and GET /api/health."""
    # FastAPI's documentation pages would load scripts from a CDN.
    app = FastAPI(title=service.card.title, docs_url=None, redoc_url=None)
    app.add_middleware(LimitedBodies)
    app.add_exception_handler(RequestValidationError, _validation_errors)
    app.add_exception_handler(HTTPException, _unreadable_body)

    @app.post("/api/predict")
    async def predict(request: PredictRequest) -> dict[str, Any]:
        texts = _request_texts(request, reads_pairs=service.reads_pairs)
        _check_lengths(request, service)
        predictions = await service.predict_async(texts, uncertain_below=request.threshold)
        threshold = service.classifier.decision_rule.uncertain_below
        return {
            "model": service.card.uri,
            "version": service.card.version,
            "threshold": threshold if request.threshold is None else request.threshold,
            "max_length": service.classifier.max_length,
            "predictions": [prediction_json(each) for each in predictions],
        }

    @app.get("/api/model")
    def model() -> dict[str, Any]:
        return {
            "model": service.card.uri,
            "version": service.card.version,
            "reads": "pairs" if service.reads_pairs else "texts",
            "labels": service.classifier.label_names,
            "multi_label": service.classifier.multi_label,
            "threshold": service.classifier.decision_rule.uncertain_below,
            "facts": service.card.facts,
        }

    @app.get("/api/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _check_lengths(request: PredictRequest, service: Service) -> None:
    """RequestValidationError, which becomes status 422, when a text is too long."""
    texts = {("texts", n): text for n, text in enumerate(request.texts or [])} | {
        ("pairs", n, side): text
        for n, pair in enumerate(request.pairs or [])
        for side, text in enumerate(pair)
    }
    problems = {location: service.length_problem(text) for location, text in texts.items()}
    errors = [
        {"type": "too_long", "loc": ("body", *location), "msg": problem}
        for location, problem in problems.items()
        if problem
    ]
    if errors:
        raise RequestValidationError(errors)


async def _validation_errors(_request: Request, error: Exception) -> JSONResponse:
    """Status 422 with location and message of each error, without the texts, which FastAPI's own
    response repeats."""
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    detail = [
        {"type": each["type"], "loc": [*map(_shortened, each["loc"])], "msg": _message(each)}
        for each in errors[:MAX_ERRORS]
    ]
    return JSONResponse({"detail": detail}, 422)


async def _unreadable_body(request: Request, error: Exception) -> Response:
    """Status 422 for a body that is no UTF-8 or nested too deeply, where FastAPI has 400 without a
    reason; its own response to other errors."""
    assert isinstance(error, HTTPException)
    why = error.__cause__
    if isinstance(why, UnicodeDecodeError):
        message = f"the body is no {why.encoding} text: {why.reason} at byte {why.start + 1}"
    elif isinstance(why, RecursionError):
        message = "the body is nested too deeply"
    else:
        return await http_exception_handler(request, error)
    detail = [{"type": "json_invalid", "loc": ["body"], "msg": message}]
    return JSONResponse({"detail": detail}, 422)


def _shortened(step: str | int) -> str | int:
    return step[:MAX_NAME] if isinstance(step, str) else step


def _message(mistake: Mapping[str, Any]) -> str:
    """Pydantic's message, with the JSON parser's if there is one; for a field that does not exist
    the nearest that does."""
    if mistake["type"] == "extra_forbidden":
        name = str(mistake["loc"][-1])[:MAX_NAME]
        return f"No such field; {nearest(name, PredictRequest.model_fields)}"
    why = mistake.get("ctx", {}).get("error") if mistake["type"] == "json_invalid" else None
    return f"{mistake['msg']}: {why}" if why else str(mistake["msg"])


def _request_texts(request: PredictRequest, *, reads_pairs: bool) -> list[str | None]:
    """The texts to classify; pairs are joined, and None if one of their texts is blank.

    RequestValidationError, which becomes status 422, when the request has texts for a model of
    pairs, or pairs for a model of texts.
    """
    texts, pairs = request.texts, request.pairs
    if reads_pairs and pairs is not None and texts is None:
        return [join_pair_or_none(*pair) for pair in pairs]
    if not reads_pairs and texts is not None and pairs is None:
        return [*texts]
    expected = (
        "pairs of texts: give pairs, a list of [first, second], and no texts"
        if reads_pairs
        else "single texts: give texts, a list of them, and no pairs"
    )
    error = {"type": "reads", "loc": ("body",), "msg": f"The model reads {expected}"}
    raise RequestValidationError([error])
