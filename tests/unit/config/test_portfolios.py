"""Portfolio files: the packaged ones, the user's before them, and what a file may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from finesweep.config.portfolios import FROZEN_SHARE, Encoder, portfolio_for, read_portfolio
from finesweep.errors import ConfigError

PACKAGED = sorted((Path(__file__).parents[3] / "portfolios").glob("*.yaml"))
MINILM = Encoder("bert", 6, 384)
OWN = "encoder: {model_type: bert, n_layers: 6, hidden_size: 384}\norigin: mine\nsettings:\n"


def put(workplace: Path, name: str, text: str) -> Path:
    path = workplace / "portfolios" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", PACKAGED, ids=lambda path: path.stem)
def test_a_packaged_portfolio_says_its_origin_and_holds_different_settings(path: Path) -> None:
    portfolio = read_portfolio(path)
    assert portfolio.origin.startswith(("measured by finesweep", "published, not measured"))
    assert 1 < len({tuple(each.items()) for each in portfolio.settings}) == len(portfolio.settings)
    assert all(0 < each["training.learning_rate"] < 1e-2 for each in portfolio.settings)
    assert all(FROZEN_SHARE in each for each in portfolio.settings)


def test_each_packaged_portfolio_is_for_another_encoder() -> None:
    encoders = {read_portfolio(path).encoder for path in PACKAGED}
    assert len(encoders) == len(PACKAGED) >= 4
    assert {MINILM, Encoder("distilbert", 6, 768), Encoder("bert", 12, 768)} <= encoders


def test_a_portfolio_is_for_exactly_its_encoder(workplace: Path) -> None:
    assert portfolio_for(MINILM) is not None
    assert portfolio_for(Encoder("bert", 6, 768)) is None
    assert portfolio_for(Encoder("roberta", 12, 768)) is None


@pytest.mark.parametrize("name", ["minilm.yaml", "zzz.yaml"], ids=["its name", "another name"])
def test_the_users_portfolio_wins_over_the_packaged_one(workplace: Path, name: str) -> None:
    put(workplace, name, OWN + "  - {training.epochs: 7}\n")
    portfolio = portfolio_for(MINILM)
    assert portfolio is not None
    assert (portfolio.origin, portfolio.settings) == ("mine", ({"training.epochs": 7},))


def test_a_users_file_replaces_the_packaged_one_of_its_name(workplace: Path) -> None:
    put(workplace, "minilm.yaml", OWN.replace("384", "8") + "  - {training.epochs: 7}\n")
    assert portfolio_for(MINILM) is None
    assert portfolio_for(Encoder("bert", 6, 8)) is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a\n", "takes exactly encoder, origin, settings"),
        (OWN + "  - {training.epochs: 1}\nmore: 1\n", "takes exactly encoder, origin, settings"),
        ("a: b: c\n", "is not YAML: mapping values are not allowed here"),
        (OWN.replace("n_layers", "layers"), "exactly model_type, n_layers and hidden_size"),
        (OWN + "  training.epochs: 1\n", "settings takes a list of"),
        (OWN + "  - {training.epohcs: 1}\n", "training.epohcs: 1 given; a setting takes fields"),
        (OWN + "  - {model.freeze_layers: 1}\n", "takes fields with numbers, and frozen_share"),
        (OWN + "  - {frozen_share: 1.5}\n", "frozen_share: 1.5 given; takes a share from 0 to 1"),
        (OWN + "  - {training.learning_rate: 2e-5}\n", "'2e-5' given; takes a number"),
    ],
)
def test_a_file_that_is_no_portfolio_is_refused_in_one_line(
    workplace: Path, text: str, told: str
) -> None:
    put(workplace, "own.yaml", text)
    with pytest.raises(ConfigError) as caught:
        portfolio_for(MINILM)
    (problem,) = caught.value.problems
    assert str(problem).startswith("portfolios/own.yaml: ")
    assert told in str(problem)
    assert "\n" not in str(problem)
