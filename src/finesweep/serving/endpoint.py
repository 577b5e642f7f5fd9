"""The model for programs: JSON in, JSON out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from finesweep.pairs import joined_or_none, mark_problem
from finesweep.prediction.wording import json_answer
from finesweep.serving.limits import LimitedBodies
from finesweep.serving.service import Service

N_TEXTS = 1024
"""In one request; of pairs as many."""
N_TOLD = 10
"""Of the mistakes in one request."""


def _text(text: str) -> str:
    # Half a surrogate pair, which tweets cut in JSON leave behind, becomes U+FFFD, as in files.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _side(text: str) -> str:
    if problem := mark_problem(text):
        raise PydanticCustomError("side", problem)
    return _text(text)


Text = Annotated[str, AfterValidator(_text)]
Side = Annotated[str, AfterValidator(_side)]
# A tuple would call a missing side a missing field.
Pair = Annotated[list[Side], Field(min_length=2, max_length=2)]


class Question(BaseModel):
    """The body of POST /api/predict: texts, or pairs where the model reads these."""

    texts: Annotated[list[Text], Field(min_length=1, max_length=N_TEXTS)] | None = None
    pairs: Annotated[list[Pair], Field(min_length=1, max_length=N_TEXTS)] | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None


def endpoint(service: Service) -> FastAPI:
    """An app with POST /api/predict, GET /api/model and GET /api/health."""
    # FastAPI's own pages of documentation would be fetched from elsewhere.
    app = FastAPI(title=service.card.title, docs_url=None, redoc_url=None)
    app.add_middleware(LimitedBodies)
    app.add_exception_handler(RequestValidationError, _mistakes)

    @app.post("/api/predict")
    async def predict(question: Question) -> dict[str, Any]:
        texts = _asked(question, reads_pairs=service.reads_pairs)
        _check_lengths(question, service)
        made = await service.answers(texts, uncertain_below=question.threshold)
        threshold = service.classifier.answering.uncertain_below
        return {
            "model": service.card.uri,
            "version": service.card.version,
            "threshold": threshold if question.threshold is None else question.threshold,
            "max_length": service.classifier.max_length,
            "predictions": [json_answer(each) for each in made],
        }

    @app.get("/api/model")
    def model() -> dict[str, Any]:
        return {
            "model": service.card.uri,
            "version": service.card.version,
            "reads": "pairs" if service.reads_pairs else "texts",
            "labels": service.classifier.label_names,
            "multi_label": service.classifier.multi_label,
            "threshold": service.classifier.answering.uncertain_below,
            "facts": service.card.facts,
        }

    @app.get("/api/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _check_lengths(question: Question, service: Service) -> None:
    """RequestValidationError, which is answered with status 422, when a text is too long."""
    told = {("texts", n): text for n, text in enumerate(question.texts or [])} | {
        ("pairs", n, side): text
        for n, pair in enumerate(question.pairs or [])
        for side, text in enumerate(pair)
    }
    problems = {place: service.length_problem(text) for place, text in told.items()}
    found = [
        {"type": "too_long", "loc": ("body", *place), "msg": problem}
        for place, problem in problems.items()
        if problem
    ]
    if found:
        raise RequestValidationError(found)


async def _mistakes(_request: Request, error: Exception) -> JSONResponse:
    """Status 422 with where each mistake is and what it is: without the texts, which FastAPI's own
    answer repeats."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    detail = [
        {"type": each["type"], "loc": list(each["loc"]), "msg": _message(each)}
        for each in found[:N_TOLD]
    ]
    return JSONResponse({"detail": detail}, 422)


def _message(mistake: Mapping[str, Any]) -> str:
    """Pydantic's own, and what the parser of JSON says."""
    why = mistake.get("ctx", {}).get("error") if mistake["type"] == "json_invalid" else None
    return f"{mistake['msg']}: {why}" if why else str(mistake["msg"])


def _asked(question: Question, *, reads_pairs: bool) -> list[str | None]:
    """The texts to be answered, joined where they are pairs, None for one with a blank side;
    RequestValidationError, which is answered with status 422, when the question does not hold what
    the model reads, and that alone.
    """
    texts, pairs = question.texts, question.pairs
    if reads_pairs and pairs is not None and texts is None:
        return [joined_or_none(*pair) for pair in pairs]
    if not reads_pairs and texts is not None and pairs is None:
        return [*texts]
    wanted = (
        "pairs of texts: give pairs, a list of [first, second], and no texts"
        if reads_pairs
        else "single texts: give texts, a list of them, and no pairs"
    )
    told = {"type": "reads", "loc": ("body",), "msg": f"The model reads {wanted}"}
    raise RequestValidationError([told])
