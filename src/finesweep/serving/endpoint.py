"""The model for programs: JSON in, JSON out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from finesweep.serving.service import Service

N_TEXTS = 1024
"""In one request."""


class Question(BaseModel):
    """The body of POST /api/predict."""

    texts: Annotated[list[str], Field(min_length=1, max_length=N_TEXTS)]
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None


def endpoint(service: Service) -> FastAPI:
    """An app with POST /api/predict, GET /api/model and GET /api/health."""
    # FastAPI's own pages of documentation would be fetched from elsewhere.
    app = FastAPI(title=service.card.title, docs_url=None, redoc_url=None)

    @app.post("/api/predict")
    def predict(question: Question) -> dict[str, Any]:
        made = service.answers(question.texts, uncertain_below=question.threshold)
        return {
            "model": service.card.uri,
            "version": service.card.version,
            "predictions": [
                {"label": each.answer, "probabilities": dict(each.probabilities)} for each in made
            ],
        }

    @app.get("/api/model")
    def model() -> dict[str, Any]:
        return {
            "model": service.card.uri,
            "version": service.card.version,
            "labels": service.classifier.label_names,
            "threshold": service.classifier.answering.uncertain_below,
            "facts": service.card.facts,
        }

    @app.get("/api/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return app
