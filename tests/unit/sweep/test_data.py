"""A sweep whose data cannot be what it asks for is refused before any worker tries."""

from __future__ import annotations

from pathlib import Path

import pytest

from finesweep.cli.sweeps import sweep
from finesweep.errors import ConfigError
from finesweep.sweep.data import check_data
from finesweep.sweep.study.search_space import check

from .conftest import PlanOf

pytestmark = pytest.mark.slow

SWEEP = """
n_trials: 2
params:
  dataset: local
  dataset.path: rows.csv
  model: minilm
"""
LISTS = "text,label\n" + "".join(f"text {k},{['a|b', 'a', 'b'][k % 3]}\n" for k in range(60))
CLASSES = "text,label\n" + "".join(f"text {k},{'ab'[k % 2]}\n" for k in range(60))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            "dataset.test_size: 100",
            r"^dataset\.test_size: .* leave no rows for train, which has 60",
        ),
        ("dataset.train_size: 50", r"^dataset\.train_size: 50 rows of train, which has 48"),
        ("dataset.train_size: choice(20, 50)", r"^dataset\.train_size: 50 rows of train, which "),
    ],
)
def test_sizes_that_the_rows_cannot_meet_are_told_and_leave_no_study(
    plan_of: PlanOf, workplace: Path, lines: str, message: str
) -> None:
    (workplace / "rows.csv").write_text(CLASSES)
    plan_of(f"{SWEEP}  {lines}\n")
    with pytest.raises(ConfigError, match=message) as refused:
        sweep.run(["own"])
    assert len(refused.value.problems) == 1
    assert not (workplace / "mlruns").exists()


def test_all_that_is_wrong_with_all_data_is_told_together(plan_of: PlanOf, workplace: Path) -> None:
    (workplace / "rows.csv").write_text(CLASSES)
    (workplace / "short.csv").write_text(CLASSES[:50])
    plan = plan_of(
        f"metric: validation/f1_micro\n{SWEEP}", "dataset.path=choice(rows.csv,short.csv)"
    )
    with pytest.raises(ConfigError) as refused:
        check_data(plan, check(plan))
    assert [problem.path for problem in refused.value.problems] == [
        "sweep.metric",
        "dataset.label_column",
    ]


@pytest.mark.parametrize("metric", ["validation/f1_micro", "validation/hamming_loss"])
def test_lists_of_labels_are_measured_by_metrics_of_several_labels(
    plan_of: PlanOf, workplace: Path, metric: str
) -> None:
    (workplace / "rows.csv").write_text(LISTS)
    plan = plan_of(f"metric: {metric}\n{SWEEP}")
    check_data(plan, check(plan))
    (workplace / "rows.csv").write_text(CLASSES)
    message = rf"^sweep\.metric: '{metric}' needs several labels per text, and this dataset has one"
    with pytest.raises(ConfigError, match=message):
        check_data(plan, check(plan))


@pytest.mark.parametrize("checks", ["none", "strict"])
@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_a_ranking_needs_rows_of_two_labels_in_validation(
    plan_of: PlanOf, workplace: Path, metric: str, checks: str
) -> None:
    (workplace / "rows.csv").write_text(CLASSES)
    (workplace / "dev.csv").write_text("text,label\n" + "".join(f"t {k},a\n" for k in range(9)))
    files = SWEEP.replace(
        "dataset.path:", "dataset.files.validation: dev.csv\n  dataset.files.train:"
    )
    plan = plan_of(f"metric: validation/{metric}\n{files}  dataset.checks: {checks}\n")
    message = rf"'validation/{metric}' is undefined: all validation rows have the same label"
    with pytest.raises(ConfigError, match=message):
        check_data(plan, check(plan))
