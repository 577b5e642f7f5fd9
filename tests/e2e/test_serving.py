"""The page in a real browser, and the endpoint, over the model that a sweep registered."""

from __future__ import annotations

import json
import subprocess
import urllib.error
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.e2e.conftest import Project
from tests.waiting import until

pytest.importorskip("selenium", reason="the extra finesweep[test] is not installed")

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.e2e.browser import chromium, hosts_asked
from tests.e2e.served import ask, classify, opened, part, serving, tab

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("swept"),
    pytest.mark.skipif(
        find_spec("gradio") is None, reason="the extra finesweep[serve] is not installed"
    ),
]

MODEL = "models:/small-model@challenger"
LABELS = {"good", "bad", "plain"}
Swept = tuple[Project, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def address(swept: Swept) -> Iterator[str]:
    with serving(swept[0], MODEL) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium() as found:
        yield found


def test_a_text_is_answered_with_its_probabilities_and_words(
    browser: Chrome, address: str, swept: Swept
) -> None:
    project, _ = swept
    opened(browser, address)
    answer = classify(browser, "it was a lovely day")
    told = project.finesweep("predict", "--model", MODEL, "it was a lovely day").stdout
    assert answer == told.split()[0]
    assert all(label in part(browser, "#shares").text for label in LABELS)
    assert "lovely" in part(browser, "#words").text
    browser.save_screenshot(str(project.folder / "one.png"))


def test_an_empty_box_is_answered_kindly(browser: Chrome, address: str) -> None:
    opened(browser, address)
    told = "There is no text. Type one first, or choose an example."
    assert classify(browser, "   ") == f"UNCERTAIN\n{told}"


def test_an_example_of_the_validation_split_fills_the_box(browser: Chrome, address: str) -> None:
    opened(browser, address)
    example = part(browser, ".gallery-item, tbody .tr-body, .table tbody tr, button.gallery-item")
    example.click()
    box = part(browser, "#text textarea")
    until(lambda: box.get_property("value"), seconds=10)


def test_a_file_comes_back_with_its_answers(browser: Chrome, address: str, swept: Swept) -> None:
    project, _ = swept
    texts = ["it was lovely", "the day was awful", ""]
    path = project.folder / "some.csv"
    pd.DataFrame({"id": [1, 2, 3], "text": texts}).to_csv(path, index=False)
    opened(browser, address)
    tab(browser, "Many texts")
    part(browser, "#file input[type=file]").send_keys(str(path))
    until(lambda: "3 rows classified" in part(browser, "#said").text, seconds=30)
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "#answers a[href]"), seconds=10)
    browser.save_screenshot(str(project.folder / "many.png"))
    link = str(part(browser, "#answers a[href]").get_attribute("href"))
    answered = pd.read_csv(link)
    assert answered["id"].tolist() == [1, 2, 3]
    assert set(answered["prediction"][:2]) <= LABELS | {"UNCERTAIN"}
    assert answered["prediction"][2] == "UNCERTAIN"
    assert answered["probability/good"].isna().tolist() == [False, False, True]


def test_a_file_that_is_none_is_told_on_the_page(
    browser: Chrome, address: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.jsonl").write_text("{oh")
    opened(browser, address)
    tab(browser, "Many texts")
    part(browser, "#file input[type=file]").send_keys(str(tmp_path / "broken.jsonl"))
    until(lambda: "cannot be classified" in part(browser, "#said").text, seconds=30)
    assert "not JSON at line 1" in part(browser, "#said").text


def test_the_card_says_which_version_answers(browser: Chrome, address: str, swept: Swept) -> None:
    opened(browser, address)
    tab(browser, "The model")
    assert "small-model, version 1 (challenger)" in part(browser, "h1").text
    card = part(browser, "#card").text
    assert f"loaded from: {MODEL}" in card
    assert "labels: bad, good, plain" in card
    assert "accuracy" in card
    browser.save_screenshot(str(swept[0].folder / "card.png"))


def test_the_page_asks_nothing_of_any_other_host(browser: Chrome, address: str) -> None:
    opened(browser, address)
    classify(browser, "it was a lovely day")
    assert hosts_asked(browser) == {"127.0.0.1"}


def test_below_the_threshold_uncertain_is_explained(browser: Chrome, swept: Swept) -> None:
    project, _ = swept
    with serving(project, MODEL, "--threshold", "1") as address:
        opened(browser, address)
        answer = classify(browser, "it was a lovely day")
        browser.save_screenshot(str(project.folder / "uncertain.png"))
        made = ask(address, "/api/predict", {"texts": ["it was a lovely day"]})
    assert answer.startswith("UNCERTAIN\nThe prediction, ")
    assert "Below 1.00 the model is not certain" in answer
    assert made["predictions"][0]["label"] in LABELS
    assert made["predictions"][0]["uncertain"] is True


def test_the_endpoint_answers_as_predict_does(address: str, swept: Swept) -> None:
    project, _ = swept
    texts = ["it was lovely", "the day was awful"]
    made = ask(address, "/api/predict", {"texts": texts})
    told = project.finesweep("predict", "--model", MODEL, "--json", *texts).stdout.splitlines()
    assert (made["model"], made["version"]) == (MODEL, "1")
    for answer, line in zip(made["predictions"], told, strict=True):
        expected = json.loads(line)
        assert answer["label"] == expected["label"]
        assert answer["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
    assert ask(address, "/api/health") == {"status": "ok"}
    assert set(ask(address, "/api/model")["labels"]) == LABELS


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "single texts: give texts"),
        ({"texts": []}, "at least 1 item"),
        ({"texts": [1]}, "valid string"),
    ],
)
def test_the_endpoint_says_what_is_wrong_with_a_question(
    address: str, body: Any, told: str
) -> None:
    with pytest.raises(urllib.error.HTTPError) as failed:
        ask(address, "/api/predict", body)
    assert failed.value.code == 422
    assert told in failed.value.read().decode()


def test_a_port_that_is_taken_is_told_at_once(address: str, swept: Swept) -> None:
    port = address.rpartition(":")[2]
    done = swept[0].finesweep("serve", "--model", MODEL, "--port", port)
    assert done.returncode == 2
    assert done.stderr == f"finesweep: --port: 127.0.0.1:{port}: Address already in use\n"
