"""The model for programs: JSON in, JSON out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from finesweep.pairs import joined, side_problem
from finesweep.records import Prediction
from finesweep.serving.service import Service

N_TEXTS = 1024
"""In one request; of pairs as many."""


def _side(text: str) -> str:
    if told := side_problem(text):
        raise PydanticCustomError("side", told)
    return text


Side = Annotated[str, AfterValidator(_side)]
# A tuple would call a missing side a missing field.
Pair = Annotated[list[Side], Field(min_length=2, max_length=2)]


class Question(BaseModel):
    """The body of POST /api/predict: texts, or pairs where the model reads these."""

    texts: Annotated[list[str], Field(min_length=1, max_length=N_TEXTS)] | None = None
    pairs: Annotated[list[Pair], Field(min_length=1, max_length=N_TEXTS)] | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None


def endpoint(service: Service) -> FastAPI:
    """An app with POST /api/predict, GET /api/model and GET /api/health."""
    # FastAPI's own pages of documentation would be fetched from elsewhere.
    app = FastAPI(title=service.card.title, docs_url=None, redoc_url=None)

    @app.post("/api/predict")
    def predict(question: Question) -> dict[str, Any]:
        texts = _asked(question, reads_pairs=service.reads_pairs)
        made = service.answers(texts, uncertain_below=question.threshold)
        return {
            "model": service.card.uri,
            "version": service.card.version,
            "predictions": [_told(each) for each in made],
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


def _told(prediction: Prediction) -> dict[str, Any]:
    held = {} if prediction.labels is None else {"labels": prediction.labels}
    return {"label": prediction.answer, **held, "probabilities": dict(prediction.probabilities)}


def _asked(question: Question, *, reads_pairs: bool) -> list[str]:
    """The texts to be answered, joined where they are pairs; RequestValidationError, which FastAPI
    answers with status 422, when the question does not hold what the model reads, and that alone.
    """
    texts, pairs = question.texts, question.pairs
    if reads_pairs and pairs is not None and texts is None:
        return [joined(*pair) for pair in pairs]
    if not reads_pairs and texts is not None and pairs is None:
        return texts
    wanted = (
        "pairs of texts: give pairs, a list of [first, second], and no texts"
        if reads_pairs
        else "single texts: give texts, a list of them, and no pairs"
    )
    told = {"type": "reads", "loc": ("body",), "msg": f"The model reads {wanted}"}
    raise RequestValidationError([told])
