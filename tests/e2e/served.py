"""`finesweep serve` in a process of its own, its endpoint asked, and its page used in a browser."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.e2e.conftest import Project
from tests.waiting import until


@contextmanager
def serving(project: Project, model: str, *arguments: str) -> Iterator[str]:
    """The address of a server of its own for model, which must end in order."""
    process = project.start("serve", "--model", model, "--port", "0", *arguments)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert said.startswith(f"{model} at http://127.0.0.1:"), said + process.communicate()[1]
        yield said.split()[2].rstrip(",")
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "\nfinesweep: interrupted\n")


def opened(browser: Chrome, address: str) -> Chrome:
    browser.get(address)
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "#text textarea"), seconds=30)
    return browser


def part(browser: Chrome, selector: str) -> WebElement:
    """The first such element, once it is there: Gradio builds its page part by part."""
    until(lambda: browser.find_elements(By.CSS_SELECTOR, selector), seconds=30)
    return browser.find_element(By.CSS_SELECTOR, selector)


def classify(browser: Chrome, text: str, pair: str | None = None) -> str:
    """What the page answers to a typed text, or to both of a pair."""
    before = part(browser, "#answer").text
    for name, typed in (("text", text), ("pair", pair)):
        if typed is not None:
            box = part(browser, f"#{name} textarea")
            box.clear()
            box.send_keys(typed)
    part(browser, "#classify").click()
    until(lambda: shown_anew(browser, before), seconds=30)
    return part(browser, "#answer").text


def shown_anew(browser: Chrome, before: str) -> bool:
    """Whether an answer is there that is neither the one before nor Gradio's seconds of waiting."""
    shown = part(browser, "#answer").text
    return shown not in ("", before) and not re.search(r"\d\.\ds", shown)


def ask(address: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        address + path, data, {"Content-Type": "application/json"} if data else {}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def tab(browser: Chrome, name: str) -> None:
    for button in browser.find_elements(By.CSS_SELECTOR, "button[role=tab]"):
        if button.text == name:
            button.click()
            return
    raise LookupError(name)
