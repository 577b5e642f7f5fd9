"""The most frequent phrases of each class as bars, and words as clouds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from wordcloud import WordCloud
from wordcloud.wordcloud import FONT_PATH

from finesweep.figures.exploration import COLOURS, NAME_CHARACTERS, titled_figure
from finesweep.figures.fonts import drawable, letters_of

Counts = Sequence[tuple[str, int]]
"""Phrases and their counts, most frequent first."""
N_BARS = 20
PHRASE_CHARACTERS = 28
WORD_CHARACTERS = 20
CLOUD_PIXELS = (520, 300)
# Perceptually uniform and readable without colour vision; its light end is too pale on white.
_CLOUD_COLOURS = colormaps["cividis"]
_DARKEST, _LIGHTEST = 0.0, 0.6


def phrases_figure(tops: Sequence[Counts], names: Sequence[str], *, title: str) -> Figure:
    """A figure with a panel of bars for each named class."""
    n_bars = max(1, min(N_BARS, max(map(len, tops))))
    figure, panels = _panels(names, title, height_inches=0.7 + 0.23 * n_bars)
    for axes, top in zip(panels, tops, strict=True):
        _draw_bars(axes, top[:N_BARS])
        axes.set_ylim(n_bars - 0.4, -0.6)
    return figure


def clouds_figure(tops: Sequence[Counts], names: Sequence[str], *, title: str, seed: int) -> Figure:
    """A figure with a word cloud for each named class; a word's size shows its frequency.

    Words with characters that the bundled font lacks are left out, which their panel notes.
    """
    figure, panels = _panels(names, title, height_inches=3.2 if len(names) <= 4 else 2.6)
    drawable_characters = letters_of(FONT_PATH)
    for axes, top in zip(panels, tops, strict=True):
        axes.set_axis_off()
        words = {word: n for word, n in top if drawable_characters.issuperset(map(ord, word))}
        fitting = {word: n for word, n in words.items() if len(word) <= WORD_CHARACTERS}
        if fitting:
            axes.imshow(_cloud(fitting, seed), interpolation="bilinear")
        note = _left_out(len(top) - len(words), len(words) - len(fitting))
        axes.text(0.5, 0, note, transform=axes.transAxes, ha="center", va="top", fontsize=8)
    return figure


def _left_out(n_unknown: int, n_long: int) -> str:
    noun = "word" if n_unknown == 1 else "words"
    unknown = f"{n_unknown} {noun} with characters that the font lacks" if n_unknown else ""
    return ", ".join(filter(None, (unknown, f"{n_long} too long" if n_long else "")))


def _cloud(counts: dict[str, int], seed: int) -> np.ndarray:
    """[height, width, 3] uint8, on white."""
    width, height = CLOUD_PIXELS
    max_count = max(counts.values())

    def colour(word: str, **others: object) -> str:
        share = (counts[word] / max_count) ** 0.5
        red, green, blue, _ = _CLOUD_COLOURS(_LIGHTEST - share * (_LIGHTEST - _DARKEST))
        return f"rgb({255 * red:.0f}, {255 * green:.0f}, {255 * blue:.0f})"

    cloud = WordCloud(
        width=width,
        height=height,
        scale=2,
        background_color="white",
        color_func=colour,
        random_state=seed,
        prefer_horizontal=1.0,
        min_font_size=8,
        max_font_size=height // 4,
    )
    return np.asarray(cloud.generate_from_frequencies(counts).to_image())


def _draw_bars(axes: Axes, top: Counts) -> None:
    bars = axes.barh(range(len(top)), [n for _, n in top], color=COLOURS[0], height=0.75)
    axes.bar_label(bars, [f"{n:,}" for _, n in top], padding=3, fontsize=8)
    axes.set_yticks(range(len(top)), [drawable(text, PHRASE_CHARACTERS) for text, _ in top])
    for label in axes.get_yticklabels():
        label.set(parse_math=False, fontsize=9)
    axes.margins(x=0.15)
    axes.set_xticks([])
    axes.tick_params(left=False)
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def _panels(
    names: Sequence[str], title: str, *, height_inches: float
) -> tuple[Figure, Sequence[Axes]]:
    """A figure with an axes for each name, titled with it; at most three per row."""
    n_columns = min(len(names), 2 if len(names) in (2, 4) else 3)
    n_rows = math.ceil(len(names) / n_columns)
    figure = titled_figure(12.0, 0.6 + n_rows * height_inches, title)
    panels = list(figure.subplots(n_rows, n_columns, squeeze=False).ravel())
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(panels, names, strict=False):
        heading = drawable(name, NAME_CHARACTERS)
        axes.set_title(heading, fontsize=11, loc="left").set_parse_math(False)
    return figure, panels[: len(names)]
