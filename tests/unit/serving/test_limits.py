"""Requests have limits, and errors do not repeat the texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra finesweep[serve] is not installed")

from fastapi.testclient import TestClient
from httpx import Response

from finesweep.serving.endpoint import MAX_ERRORS, N_TEXTS, endpoint
from finesweep.serving.limits import MAX_BODY_BYTES
from finesweep.serving.service import MAX_SIDE_CHARACTERS, MAX_TEXT_CHARACTERS, Service

SECRET = "a-text-that-nobody-else-may-see"
TOO_LARGE = "a request has at most 8 MiB; send fewer texts"


def post(service: Service, content: bytes | Iterator[bytes], **headers: str) -> Response:
    sent = {"content-type": "application/json", **headers}
    return TestClient(endpoint(service)).post("/api/predict", content=content, headers=sent)


def chunks(size: int) -> Iterator[bytes]:
    """A body without Content-Length."""
    yield b'{"texts": ["'
    for _ in range(size // 65_536):
        yield b"x" * 65_536
    yield b'"]}'


@pytest.mark.parametrize("is_told", [True, False])
def test_a_body_that_is_too_large_is_413_whether_it_says_so_or_not(
    texts: Service, is_told: bool
) -> None:
    body = chunks(MAX_BODY_BYTES + 65_536)
    answer = post(texts, b"".join(body) if is_told else body)
    assert answer.status_code == 413
    assert answer.json() == {"detail": [{"type": "too_large", "loc": ["body"], "msg": TOO_LARGE}]}


def test_a_body_just_within_the_limit_is_read(texts: Service) -> None:
    body = json.dumps({"texts": ["awful"]}).encode()
    answer = post(texts, body.ljust(MAX_BODY_BYTES))
    assert (answer.status_code, len(answer.json()["predictions"])) == (200, 1)
    assert post(texts, body.ljust(MAX_BODY_BYTES + 1)).status_code == 413


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"texts": [SECRET] * (N_TEXTS + 1)}, ["body", "texts"]),
        ({"texts": ["a", SECRET * (MAX_TEXT_CHARACTERS // len(SECRET) + 1)]}, ["body", "texts", 1]),
        ({"texts": [{"my": SECRET}]}, ["body", "texts", 0]),
        ({"texts": SECRET}, ["body", "texts"]),
        ({"pairs": [[SECRET, SECRET]]}, ["body"]),
        ({"texts": [SECRET], "threshold": SECRET}, ["body", "threshold"]),
        ({"texts": [SECRET], "threshold": float("nan")}, ["body", "threshold"]),
        ({"texts": [SECRET], "threshold": float("inf")}, ["body", "threshold"]),
        ([SECRET], ["body"]),
        (SECRET, ["body"]),
    ],
)
def test_a_mistake_is_told_without_the_texts(
    texts: Service, body: Any, where: list[str | int]
) -> None:
    answer = post(texts, json.dumps(body).encode())
    (problem,) = answer.json()["detail"]
    assert (answer.status_code, problem["loc"]) == (422, where)
    assert sorted(problem) == ["loc", "msg", "type"]
    assert SECRET[:9] not in answer.text


@pytest.mark.parametrize(
    "content",
    [f'{{"texts": ["{SECRET}"'.encode(), SECRET.encode() + b"\xff", b"[" * 100_000, b""],
)
def test_what_is_no_json_is_told_without_the_texts(texts: Service, content: bytes) -> None:
    answer = post(texts, content)
    assert answer.status_code == 422
    assert SECRET[:9] not in answer.text


def test_what_is_not_called_json_is_told_without_the_texts(texts: Service) -> None:
    content = json.dumps({"texts": [SECRET]}).encode()
    answer = post(texts, content, **{"content-type": "text/plain"})
    assert answer.status_code == 422
    assert SECRET[:9] not in answer.text


def test_half_a_surrogate_pair_is_no_reason_to_fail(texts: Service) -> None:
    answer = post(texts, b'{"texts": ["a day \\ud83d"]}')
    (wanted,) = texts.classifier.predict(["a day \ufffd"])
    (made,) = answer.json()["predictions"]
    assert (answer.status_code, made["label"]) == (200, wanted.label)
    assert made["probabilities"] == pytest.approx(wanted.probabilities)


def test_of_many_mistakes_the_first_are_told(texts: Service) -> None:
    answer = post(texts, json.dumps({"texts": [1] * N_TEXTS}).encode())
    told = [problem["loc"] for problem in answer.json()["detail"]]
    assert told == [["body", "texts", place] for place in range(MAX_ERRORS)]


@pytest.mark.parametrize("text", ["", "  ", "\n", "\u200b"])
def test_an_empty_text_has_no_label_and_the_others_are_answered(texts: Service, text: str) -> None:
    answer = post(texts, json.dumps({"texts": ["a day", text, "awful"]}).encode())
    first, empty, last = answer.json()["predictions"]
    assert empty == {
        "label": "UNCERTAIN",
        "probability": None,
        "uncertain": True,
        "truncated": False,
        "probabilities": {},
    }
    assert [each["uncertain"] for each in (first, last)] == [False, False]


def test_a_pair_with_a_blank_side_is_an_empty_text(pairs: Service) -> None:
    body = {"pairs": [["a", "b"], ["a", " \n"], ["", ""]]}
    made = post(pairs, json.dumps(body).encode()).json()["predictions"]
    assert [each["label"] == "UNCERTAIN" for each in made] == [False, True, True]


def test_each_text_of_a_pair_has_a_limit_of_its_own(pairs: Service) -> None:
    long = ("day " * MAX_SIDE_CHARACTERS)[:MAX_SIDE_CHARACTERS]
    answer = post(pairs, json.dumps({"pairs": [[long, long]]}).encode())
    assert (answer.status_code, answer.json()["predictions"][0]["truncated"]) == (200, True)
    (problem,) = post(pairs, json.dumps({"pairs": [["a", long + "s"]]}).encode()).json()["detail"]
    told = "is longer than 2,000 characters, which is the limit here"
    assert (problem["loc"], problem["msg"]) == (["body", "pairs", 0, 1], told)


def test_a_text_that_is_cut_says_so_and_where(texts: Service) -> None:
    made = post(texts, json.dumps({"texts": ["a day", "day " * 99]}).encode()).json()
    assert made["max_length"] == 16
    assert [each["truncated"] for each in made["predictions"]] == [False, True]
