"""The page is one file that asks for nothing, and shows texts as texts, in a real browser too."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import plotly.graph_objects as go
import pytest
from optuna.trial import TrialState, create_trial
from tests.e2e.browser import chromium, hosts_asked
from tests.unit.report.made import best_of, decide, evaluated, leader, made_study, record

from finesweep.report.page import N_ERRORS, figure_json, report_page
from finesweep.report.records import Dimension, SweepRecord
from finesweep.sweep.study.keys import GIVEN, OMISSIONS, REASON, SLOT

pytestmark = pytest.mark.slow
EVIL = "</script><script>window.evil=1</script><img src=x onerror='window.evil=1'>\"'"


@pytest.fixture(scope="module")
def evil(sweep: SweepRecord) -> SweepRecord:
    """The same sweep, whose user put markup into every text and name."""
    names = {"bert": f"{EVIL} bert", "distilbert": f"{EVIL} small"}
    field = Dimension("training.precision", choices=(EVIL, "fp32"))

    def renamed(row):  # type: ignore[no-untyped-def]
        params = {**row.params, field.path: field.choices[row.trial % 2]}
        return replace(row, model=names[row.model], params=params, reason=EVIL)

    rows = [renamed(row) for row in sweep.leaderboard]
    first = replace(sweep.comparisons[0].first, model=names["bert"])
    second = replace(sweep.comparisons[0].second, model=names["distilbert"])
    assert sweep.leader is not None
    data = {**(sweep.leader.data or {}), "name": EVIL, "labels": [EVIL, "good"]}
    return replace(
        sweep,
        status=replace(sweep.status, study=EVIL, metric=f"validation/{EVIL}", stopped=EVIL),
        attributes={**sweep.attributes, GIVEN: [EVIL]},
        leaderboard=rows,
        curves=[replace(curve, row=renamed(curve.row)) for curve in sweep.curves],
        dimensions=[*sweep.dimensions, field],
        seconds_by_model={names[model]: each for model, each in sweep.seconds_by_model.items()},
        importances=[replace(each, model=names[each.model]) for each in sweep.importances],
        comparisons=[replace(sweep.comparisons[0], first=first, second=second)],
        omissions={EVIL: EVIL},
        data_notes=[EVIL],
        findings=[{"severity": "severe", "message": EVIL}],
        leader=replace(
            sweep.leader, config=EVIL, evaluated=evaluated((EVIL, "good"), text=EVIL), data=data
        ),
        train_command=EVIL,
        missing=[EVIL],
    )


@pytest.fixture(scope="module")
def page(sweep: SweepRecord) -> str:
    return report_page(replace(sweep, train_command="finesweep train training.epochs=2"))


def test_a_figure_cannot_end_the_script_that_holds_it() -> None:
    text = figure_json(go.Figure({"layout": {"title": {"text": EVIL}}}))
    assert "<" not in text
    assert json.loads(text)["layout"]["title"]["text"] == EVIL


def figures_of(page: str) -> list[dict]:
    texts = re.findall(r'<script type="application/json">(.*?)</script>', page, re.S)
    return [json.loads(text) for text in texts]


def test_markup_of_the_user_s_runs_nowhere_and_every_picture_is_drawn(
    evil: SweepRecord, tmp_path: Path
) -> None:
    page = report_page(evil)
    assert EVIL not in page
    assert "<img src=x" not in page
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    with chromium() as browser:
        browser.get(file.as_uri())
        n_plots = len(figures_of(page))
        drawn = "return document.querySelectorAll('.plot .main-svg:first-child').length"
        assert browser.execute_script(drawn) == n_plots > 15
        assert browser.execute_script("return window.evil") is None
        assert browser.execute_script("return document.scripts.length") == n_plots + 2
        assert browser.execute_script("return document.images.length") == 0
        text = browser.execute_script("return document.body.innerText")
        assert text.count("<script>window.evil=1</script>") > 20
        assert hosts_asked(browser) == {""}
        assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_it_is_one_file_below_six_megabytes_with_nothing_to_load(page: str) -> None:
    assert len(page.encode()) < 6_000_000
    own = page.replace(page[page.index("<script>/**") : page.rindex("<script>")], "")
    assert not re.search(r"(?:src|href)=\"?https?:|url\(|@import", own)
    assert "default-src 'none'" in own
    assert page.count("Plotly.newPlot(plot") == 1


def test_every_picture_has_a_caption_an_alternative_text_and_a_table(page: str) -> None:
    body = page[page.index("<main>") : page.index("</main>")]
    drawn = [
        part for part in re.findall(r"<figure.*?</figure>", body, re.S) if "class=plot" in part
    ]
    assert len(drawn) == 13
    for part in drawn:
        assert re.search(r"<figcaption>[^<]{40,}</figcaption>", part)
        assert all(len(alt) > 10 for alt in re.findall(r'aria-label="([^"]*)"', part))
        assert "The table behind it" in part
        assert "<th scope=col" in part
    for landmark in ("<header>", "<nav ", "<main>", "<footer>"):
        assert landmark in page


def test_the_leaderboard_has_every_trial_and_the_baseline_among_them(
    sweep: SweepRecord, page: str
) -> None:
    board = page[
        page.index("id=leaderboard") : page.index("id=search") if "id=search" in page else None
    ]
    ranks = re.findall(r"<tr(?: class=chosen)?><td class=number>(\d+|–|baseline)</td>", board)
    assert len(ranks) == len(sweep.leaderboard) + 1
    assert ranks.count("baseline") == 1
    assert page.count("<tr class=chosen>") == 1


def test_the_data_card_errors_config_and_command_are_there(page: str) -> None:
    assert "<td>good</td><td class=number>300 (75.0%)</td>" in page
    assert f"The {min(N_ERRORS, 10)} most confident of 10 wrong predictions" in page
    said = ["a dull film", "bad", "good", "dull, film", "0.70", "negation"]
    assert "".join(f"<td>{each}</td>" for each in said) in page
    assert "<code>training:\n  epochs: 2\n</code>" in page
    assert "<code>finesweep train training.epochs=2</code>" in page


def test_a_sweep_without_trials_or_with_failed_ones_alone_has_a_page() -> None:
    study = made_study(0, target=2)
    assert "Under way: no trial is complete yet" in report_page(record(study))
    for slot in range(2):
        failed = create_trial(state=TrialState.FAIL, user_attrs={SLOT: slot, REASON: "out of luck"})
        study.add_trial(failed)
    page = report_page(record(study))
    assert "No trial completed, so there is no winner" in page
    assert "failed: out of luck" in page
    assert figures_of(page) == []


@pytest.mark.parametrize(
    "made",
    [
        {"n_trials": 1},
        {"n_trials": 6, "models": ["bert"]},
        {"n_trials": 6, "metric": "validation/f1", "direction": "maximize"},
        {"n_trials": 6, "target": 9},
    ],
    ids=["one trial", "one model", "a higher metric", "under way"],
)
def test_a_sweep_of_any_shape_has_a_page_even_if_its_runs_are_gone(made: dict) -> None:
    study = made_study(**made)
    if "target" not in made:
        decide(study)
    study.set_user_attr(OMISSIONS, {"the winner with TF-IDF": "it broke"})
    gone = replace(record(study), missing=["MLflow has no run of trial 0 any more"], baseline=None)
    page = report_page(gone)
    assert "MLflow has no run of trial 0 any more." in page
    assert "No predictions are logged for it yet, or its MLflow run is gone." in page
    assert "Left out: the winner with TF-IDF: it broke." in page
    assert figures_of(page)
    with_run = report_page(replace(gone, leader=leader(best_of(study), data=None, config=None)))
    assert "Rows by label are recorded when the winner is tested." in with_run
