"""The API accepts what the model reads, texts or pairs, and explains other errors."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra finesweep[serve] is not installed")

from fastapi.testclient import TestClient

from finesweep.pairs import MARK, join_pair
from finesweep.serving.endpoint import N_TEXTS, endpoint
from finesweep.serving.service import Service

Services = dict[str, Service]
PAIRS = [["a lovely day", "great"], ["it was", "awful"], ["great", "a lovely day"]]
OF_PAIRS = "The model reads pairs of texts: give pairs, a list of [first, second], and no texts"
OF_TEXTS = "The model reads single texts: give texts, a list of them, and no pairs"
MARKED = f"contains '{MARK}', the character that separates the texts of a pair"


def post(service: Service, body: Any) -> tuple[int, dict[str, Any]]:
    answer = TestClient(endpoint(service)).post("/api/predict", json=body)
    return answer.status_code, answer.json()


def test_pairs_are_answered_in_order_as_the_model_reads_them(pairs: Service) -> None:
    code, made = post(pairs, {"pairs": PAIRS})
    assert (code, made["model"], made["version"]) == (200, "models:/p/1", "1")
    wanted = list(pairs.classifier.predict([join_pair(*pair) for pair in PAIRS]))
    for answer, expected in zip(made["predictions"], wanted, strict=True):
        assert answer["label"] == expected.label
        assert answer["probabilities"] == pytest.approx(expected.probabilities)
    first, _, turned = (answer["probabilities"]["good"] for answer in made["predictions"])
    assert first != pytest.approx(turned, abs=1e-6)


def test_the_threshold_of_a_question_holds_for_pairs(pairs: Service) -> None:
    _, made = post(pairs, {"pairs": PAIRS[:1], "threshold": 1})
    (answer,) = made["predictions"]
    (wanted,) = pairs.classifier.predict([join_pair(*PAIRS[0])])
    assert (made["threshold"], made["max_length"], answer["uncertain"]) == (1, 16, True)
    assert (answer["label"], answer["truncated"]) == (wanted.label, False)
    assert answer["probability"] == pytest.approx(wanted.probability, abs=1e-6)


@pytest.mark.parametrize("kind", ["pairs", "texts"])
def test_a_model_says_which_of_the_two_it_reads(services: Services, kind: str) -> None:
    assert TestClient(endpoint(services[kind])).get("/api/model").json()["reads"] == kind


@pytest.mark.parametrize(
    ("kind", "body", "where", "told"),
    [
        ("pairs", {"texts": ["a"]}, ["body"], OF_PAIRS),
        ("pairs", {"texts": ["a"], "pairs": PAIRS}, ["body"], OF_PAIRS),
        ("pairs", {}, ["body"], OF_PAIRS),
        ("texts", {"pairs": PAIRS}, ["body"], OF_TEXTS),
        ("texts", {"texts": ["a"], "pairs": PAIRS}, ["body"], OF_TEXTS),
        ("texts", {}, ["body"], OF_TEXTS),
        ("pairs", {"pairs": [[f"a {MARK} b", "c"]]}, ["body", "pairs", 0, 0], MARKED),
        ("pairs", {"pairs": [["a"]]}, ["body", "pairs", 0], "List should have at least 2 items"),
        ("pairs", {"pairs": [["a", "b", "c"]]}, ["body", "pairs", 0], "at most 2 items"),
        ("texts", {"texts": ["a"], "treshold": 1}, ["body", "treshold"], "mean 'threshold'?"),
        ("texts", {"texts": ["a"], "x" * 5000: 1}, ["body", "x" * 60], "known: pairs, texts, "),
        ("pairs", {"pairs": []}, ["body", "pairs"], "List should have at least 1 item"),
        ("pairs", {"pairs": PAIRS[:1] * (N_TEXTS + 1)}, ["body", "pairs"], f"at most {N_TEXTS} "),
    ],
)
def test_a_question_that_the_model_cannot_read_gets_one_message(
    services: Services, kind: str, body: Any, where: list[str | int], told: str
) -> None:
    code, answer = post(services[kind], body)
    (problem,) = answer["detail"]
    assert (code, problem["loc"]) == (422, where)
    assert told in problem["msg"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            b'{"texts": ["caf\xe9"]}',
            "the body is no utf-8 text: invalid continuation byte at byte 16",
        ),
        (b'{"texts": ["a"', "JSON decode error: Expecting ',' delimiter"),
        (b'{"texts": ' + b"[" * 200_000, "the body is nested too deeply"),
    ],
)
def test_a_body_that_cannot_be_read_gets_the_reason(texts: Service, body: bytes, told: str) -> None:
    answer = TestClient(endpoint(texts)).post(
        "/api/predict", content=body, headers={"content-type": "application/json"}
    )
    (problem,) = answer.json()["detail"]
    assert (answer.status_code, problem["loc"][0], problem["msg"]) == (422, "body", told)


def test_an_address_that_does_not_exist_keeps_its_own_status(texts: Service) -> None:
    assert TestClient(endpoint(texts)).get("/api/nothing").status_code == 404


def test_several_labels_are_answered_as_a_list(several: Service) -> None:
    code, made = post(several, {"texts": ["a lovely day", "awful"]})
    assert code == 200
    for answer in made["predictions"]:
        assert answer["labels"] == ["bad", "good"]
        assert answer["label"] == "bad, good"
        assert sum(answer["probabilities"].values()) != pytest.approx(1, abs=0.01)
    _, silent = post(several, {"texts": ["awful"], "threshold": 1})
    (unsure,), (sure,) = (
        silent["predictions"],
        post(several, {"texts": ["awful"]})[1]["predictions"],
    )
    assert (unsure.pop("uncertain"), sure.pop("uncertain")) == (True, False)
    assert unsure == sure


def test_a_model_says_whether_a_text_may_have_several_labels(
    several: Service, texts: Service
) -> None:
    told = [TestClient(endpoint(each)).get("/api/model").json() for each in (several, texts)]
    assert [each["multi_label"] for each in told] == [True, False]
    assert "labels" not in post(texts, {"texts": ["a"]})[1]["predictions"][0]
