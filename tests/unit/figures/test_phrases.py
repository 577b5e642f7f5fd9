"""Bars and clouds of phrases are complete, and do not warn of characters that no font has."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from tests.unit.figures.drawing import drawn

from finesweep.figures import phrases as module
from finesweep.figures.phrases import N_BARS, clouds_figure, phrases_figure

pytestmark = pytest.mark.slow

FILM = [("bad film", 40), ("$5 $6", 12), ("电影", 3)]
DAY = [("good day", 7)]


def bars(axes: Axes) -> list[tuple[str, float]]:
    names = [label.get_text() for label in axes.get_yticklabels()]
    return list(zip(names, (bar.get_width() for bar in axes.patches), strict=True))


def note_of(axes: Axes) -> str:
    return axes.texts[-1].get_text()


def test_each_class_has_its_phrases_most_frequent_on_top() -> None:
    first, second = drawn(phrases_figure([FILM, DAY], ["a", "b"], title="$x$")).axes
    assert bars(first) == [("bad film", 40), ("$5 $6", 12), ("□□", 3)]
    assert [text.get_text() for text in first.texts] == ["40", "12", "3"]
    assert bars(second) == [("good day", 7)]
    assert first.get_ylim() == second.get_ylim() == (2.6, -0.6)


def test_of_many_phrases_the_most_frequent_are_drawn() -> None:
    top = [(f"word {k}", 100 - k) for k in range(40)]
    (axes,) = drawn(phrases_figure([top], ["a"], title="")).axes
    assert [name for name, _ in bars(axes)] == [f"word {k}" for k in range(N_BARS)]


@pytest.mark.parametrize("n_classes", [1, 2, 3, 5, 8])
def test_up_to_eight_classes_have_a_panel_each(n_classes: int) -> None:
    names = [f"class {k}" for k in range(n_classes)]
    figure = drawn(phrases_figure([DAY] * n_classes, names, title=""))
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.axison] == names


def test_a_class_without_phrases_is_an_empty_panel() -> None:
    empty, _ = drawn(phrases_figure([[], DAY], ["a", "b"], title="")).axes
    assert bars(empty) == []
    assert len(drawn(clouds_figure([[]], ["a"], title="", seed=1)).axes[0].images) == 0


def test_a_cloud_is_dark_words_on_white_in_the_one_colour_map() -> None:
    (axes,) = drawn(clouds_figure([FILM[:1] + DAY], ["a"], title="", seed=1)).axes
    pixels = np.asarray(axes.images[0].get_array())
    assert pixels.shape == (600, 1040, 3)
    assert tuple(pixels[0, 0]) == (255, 255, 255)
    inked = (pixels < 128).all(axis=2).mean()
    assert 0.01 < inked < 0.5
    red, blue = pixels[..., 0].astype(int), pixels[..., 2].astype(int)
    assert (red <= blue + 8).mean() > 0.99, "cividis runs from blue to grey here, never to yellow"


def test_a_cloud_is_the_same_for_the_same_seed() -> None:
    clouds = [
        np.asarray(
            drawn(clouds_figure([FILM], ["a"], title="", seed=seed)).axes[0].images[0].get_array()
        )
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(clouds[0], clouds[1])
    assert not np.array_equal(clouds[0], clouds[2])


def test_words_that_the_font_lacks_or_the_panel_cannot_hold_are_left_out_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[dict[str, int]] = []

    def cloud(counts: dict[str, int], seed: int) -> np.ndarray:
        given.append(counts)
        return np.zeros((2, 2, 3), np.uint8)

    monkeypatch.setattr(module, "_cloud", cloud)
    top = [("фильм", 9), ("电影", 5), ("面", 4), ("x" * 40, 2)]
    (axes,) = drawn(clouds_figure([top], ["a"], title="", seed=1)).axes
    assert given == [{"фильм": 9}]
    assert note_of(axes) == "2 words with characters that the font lacks, 1 too long"


def test_a_class_of_words_that_the_font_lacks_says_so_instead_of_a_cloud() -> None:
    (axes,) = drawn(clouds_figure([[("电影", 5)]], ["电影"], title="", seed=1)).axes
    assert len(axes.images) == 0
    assert note_of(axes) == "1 word with characters that the font lacks"
    assert axes.get_title(loc="left") == "□□"
