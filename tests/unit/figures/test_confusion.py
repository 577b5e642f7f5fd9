"""The confusion matrix shows counts and row shares that a person can read."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from tests.unit.figures.drawing import drawn

from finesweep.figures import confusion_matrix_figure

pytestmark = pytest.mark.slow

SENTIMENTS = ["negative", "neutral", "positive"]
COUNTS = np.array([[75, 20, 5], [0, 8, 0], [1000, 250, 0]])


def draw(counts: np.ndarray, names: list[str], title: str = "validation") -> Figure:
    figure = confusion_matrix_figure(counts, names, title=title)
    return drawn(figure)


def cells(axes: Axes) -> dict[tuple[int, int], str]:
    """(row, column) → the text of the cell."""
    return {
        (round(text.get_position()[1]), round(text.get_position()[0])): text.get_text()
        for text in axes.texts
    }


def contrast(one: str | tuple[float, ...], other: str | tuple[float, ...]) -> float:
    """WCAG 2's contrast ratio, 1 to 21."""

    def luminance(colour: str | tuple[float, ...]) -> float:
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in to_rgba(colour)[:3]
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_each_cell_shows_its_count_over_its_share_of_the_true_class() -> None:
    assert cells(draw(COUNTS, SENTIMENTS).axes[0]) == {
        (0, 0): "75\n75.0 %",
        (0, 1): "20\n20.0 %",
        (0, 2): "5\n5.0 %",
        (1, 0): "0\n0.0 %",
        (1, 1): "8\n100.0 %",
        (1, 2): "0\n0.0 %",
        (2, 0): "1,000\n80.0 %",
        (2, 1): "250\n20.0 %",
        (2, 2): "0\n0.0 %",
    }


def test_colour_follows_the_row_share_not_the_count() -> None:
    image = draw(COUNTS, SENTIMENTS).axes[0].images[0]
    np.testing.assert_allclose(
        image.get_array(), [[0.75, 0.2, 0.05], [0.0, 1.0, 0.0], [0.8, 0.2, 0.0]]
    )
    assert image.get_clim() == (0.0, 1.0)


def test_rows_are_the_truth_and_columns_the_prediction() -> None:
    axes = draw(COUNTS, SENTIMENTS, title="test, trial 7").axes[0]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("truth", "predicted")
    assert [label.get_text() for label in axes.get_yticklabels()] == SENTIMENTS
    assert [label.get_text() for label in axes.get_xticklabels()] == SENTIMENTS
    assert axes.get_title() == "test, trial 7"
    top, bottom = axes.transData.transform([(0, 0), (0, 2)])[:, 1]
    assert top > bottom, "the first class is the top row"


def test_a_class_without_examples_shows_a_dash_and_is_grey() -> None:
    figure = draw(np.array([[9, 1], [0, 0]]), ["ham", "spam"])
    written = cells(figure.axes[0])
    assert (written[1, 0], written[1, 1]) == ("0\n–", "0\n–")
    image = figure.axes[0].images[0]
    red, green, blue, _ = image.to_rgba(image.get_array())[1, 1]
    assert red == green == blue


def test_the_numbers_stand_out_from_every_colour_of_the_scale() -> None:
    for share in range(0, 101, 5):
        axes = draw(np.array([[share, 100 - share], [0, 0]]), ["no", "yes"]).axes[0]
        colours = axes.images[0].to_rgba(axes.images[0].get_array())
        for text in axes.texts:
            column, row = text.get_position()
            assert contrast(text.get_color(), tuple(colours[row, column])) >= 4.5


def test_a_long_name_keeps_its_two_ends() -> None:
    names = ["complaint_about_a_late_parcel", "complaint_about_a_lost_parcel"]
    axes = draw(np.eye(2, dtype=int), names).axes[0]
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert shown == ["complaint_…te_parcel", "complaint_…st_parcel"]
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {45.0}


def test_dollar_signs_are_not_read_as_formulas() -> None:
    names = ["$1 to $2", "$\\bad$"]
    axes = draw(np.eye(2, dtype=int), names, title="$\\bad$ words").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == names


def test_the_picture_grows_with_the_classes() -> None:
    widths = [
        draw(np.eye(n, dtype=int), [str(i) for i in range(n)]).get_figwidth() for n in (2, 5, 20)
    ]
    assert widths == sorted(set(widths))


def test_twenty_classes_are_numbered_and_twenty_five_only_coloured() -> None:
    twenty = draw(np.eye(20, dtype=int), [f"class {i}" for i in range(20)])
    many = draw(np.eye(25, dtype=int), [f"class {i}" for i in range(25)])
    assert (len(twenty.axes[0].texts), len(many.axes[0].texts)) == (400, 0)
    assert [axes.get_ylabel() for axes in many.axes] == ["truth", "share of the true class"]


def test_tick_labels_shrink_as_the_classes_crowd() -> None:
    sizes = [
        draw(np.eye(n, dtype=int), [str(i) for i in range(n)])
        .axes[0]
        .get_yticklabels()[0]
        .get_fontsize()
        for n in (5, 80)
    ]
    assert sizes == [10.0, pytest.approx(7.56)]


@pytest.mark.parametrize("shape", [(2, 3), (2, 2), (4, 4), (3,)])
def test_counts_that_do_not_match_the_names_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"one row per label name, \[3, 3\], not \[") as caught:
        confusion_matrix_figure(np.zeros(shape, dtype=int), SENTIMENTS, title="")
    assert str(caught.value).endswith(f"not {list(shape)}")
