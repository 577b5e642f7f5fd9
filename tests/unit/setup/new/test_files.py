"""`finesweep new`: both files or none, and a sweep that passes its own checks."""

from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub.constants
import pytest
import yaml
from jsonschema import Draft7Validator
from omegaconf import OmegaConf

from finesweep.config import compose, compose_sweep
from finesweep.errors import ConfigError
from finesweep.setup.new.files import new
from finesweep.sweep.data import check_data
from finesweep.sweep.study.search_space import check

pytestmark = pytest.mark.slow

DATASET, SWEEP = Path("conf/dataset/mine.yaml"), Path("sweeps/mine.yaml")


@pytest.fixture(autouse=True)
def _no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


def rows(n: int = 60) -> list[str]:
    return [f"the film number {k} was fine,{('good', 'bad')[k % 2]}" for k in range(n)]


def write(
    name: str, lines: list[str], *, header: str = "text,label", encoding: str = "utf-8"
) -> str:
    Path(name).write_bytes("\n".join([header, *lines]).encode(encoding))
    return name


def files() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def test_a_new_sweep_passes_the_checks_that_a_sweep_makes_before_it_runs(workplace: Path) -> None:
    made = new("mine", write("rows.csv", rows()))
    plan = compose_sweep("mine", [])
    assert plan.base.config.dataset.path == "rows.csv"
    assert plan.settings.n_trials == made.sizes.n_trials == 20
    searched = {item.name for item in plan.searched}
    assert {"model", "training.learning_rate", "model.freeze_layers|model=distil_minilm"} < searched
    check_data(plan, check(plan))
    assert files() == [
        ".finesweep/dataset.schema.json",
        ".finesweep/sweep.schema.json",
        str(DATASET),
        "rows.csv",
        str(SWEEP),
    ]


def test_an_editor_finds_nothing_wrong_with_the_new_files(workplace: Path) -> None:
    new("mine", write("rows.csv", rows()))
    for path in (DATASET, SWEEP):
        schema = path.read_text(encoding="utf-8").partition("$schema=")[2].splitlines()[0]
        validator = Draft7Validator(json.loads((path.parent / schema).read_text(encoding="utf-8")))
        content = OmegaConf.to_container(OmegaConf.load(path))
        assert [error.message for error in validator.iter_errors(content)] == []


def test_awkward_names_and_a_class_that_is_too_small_are_written_so_that_they_compose(
    workplace: Path,
) -> None:
    header, path = 'id;"Review: ${x} # ""r""";"Final  Label"', "worst ${HOME} #.csv"
    lines = [f'{k};"it’s the film number {k}";"{("yes", "no")[k % 2]}"' for k in range(40)]
    lines += ['40;"";"no"', '41;"only one of these";"null"']
    made = new("mine", write(path, lines, header=header, encoding="cp1252"))
    dataset = compose(["dataset=mine"]).config.dataset
    assert (dataset.path, dataset.text_column) == (path, 'Review: ${x} # "r"')
    assert (dataset.label_column, dataset.encoding) == ("Final  Label", "cp1252")
    assert (dataset.missing, dataset.label_map) == (
        "drop",
        {"no": "no", "null": None, "yes": "yes"},
    )
    assert made.guess.splits.label_names == ("no", "yes")


def test_fields_that_are_given_are_written_and_not_guessed(workplace: Path) -> None:
    write("rows.csv", [f"{row},{k % 4}" for k, row in enumerate(rows())], header="text,label,stars")
    made = new("mine", "rows.csv", ["dataset.label_column=stars", "dataset.clean=[html]"])
    written = yaml.safe_load(DATASET.read_text(encoding="utf-8"))
    assert (written["label_column"], written["clean"]) == ("stars", ["html"])
    assert "label_column" not in made.guess.reasons


@pytest.mark.parametrize(
    ("name", "data", "overrides", "message"),
    [
        ("mine", "absent.csv", [], "--data: absent.csv does not exist; did you mean 'one.csv'?"),
        ("2 a", "rows.csv", [], "NAME: '2 a' given; must be letters, digits, '_' and '-'"),
        ("null", "rows.csv", [], "NAME: 'null' given; must be letters"),
        ("../x", "rows.csv", [], "NAME: '../x' given; must be letters"),
        ("imdb", "rows.csv", [], "NAME: 'imdb' given; finesweep comes with conf/dataset/imdb.yaml"),
        ("mine", "rows.csv", ["training.epochs=2"], "training.epochs: only fields of dataset can"),
        ("mine", "rows.csv", ["dataset.path=b.csv"], "dataset.path: is set by --data and NAME"),
        ("mine", "rows.csv", ["dataset.label=x"], "dataset.label: no such field; did you mean"),
        ("mine", "rows.csv", ["dataset.label_column=z"], "dataset.label_column: train has no"),
        ("mine", "one.csv", [], "--data: no column looks like labels"),
        ("mine", "picture.csv", [], "--data: picture.csv is not .csv but a PNG picture"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(
    workplace: Path, name: str, data: str, overrides: list[str], message: str
) -> None:
    write("rows.csv", rows())
    write("one.csv", ["a text,1", "another text,2", "a third text,3"])
    Path("picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    before = files()
    with pytest.raises(ConfigError) as refused:
        new(name, data, overrides)
    assert str(refused.value).startswith(message)
    assert files() == before


@pytest.mark.parametrize("existing", [DATASET, SWEEP])
def test_a_file_that_exists_is_overwritten_only_by_force(workplace: Path, existing: Path) -> None:
    existing.parent.mkdir(parents=True)
    existing.write_text("# mine\n", encoding="utf-8")
    write("rows.csv", rows())
    both = f"both {DATASET} and {SWEEP}"
    with pytest.raises(ConfigError, match=f"NAME: {existing} exists already; --force .* {both}"):
        new("mine", "rows.csv")
    assert existing.read_text(encoding="utf-8") == "# mine\n"
    new("mine", "rows.csv", force=True)
    assert existing.read_text(encoding="utf-8") != "# mine\n"


def test_a_folder_that_cannot_be_made_leaves_no_file(workplace: Path) -> None:
    Path("sweeps").write_text("a file, where a folder is needed", encoding="utf-8")
    with pytest.raises(ConfigError, match="sweeps: cannot be written: File exists"):
        new("mine", write("rows.csv", rows()))
    assert not DATASET.exists()


def test_groups_may_be_missing_and_named_labels_stay(workplace: Path) -> None:
    lines = [f"{row},{'' if k % 4 else f'film {k}'}" for k, row in enumerate(rows())]
    new("mine", write("rows.csv", lines, header="text,label,film"), ["dataset.group_column=film"])
    assert "missing" not in yaml.safe_load(DATASET.read_text())
    few = [f"text {k},{k % 2 if k < 58 else 2}" for k in range(60)]
    with pytest.raises(ConfigError, match="class 'other' has too few distinct texts"):
        new("named", write("few.csv", few), ["dataset.label_names=[neg,pos,other]"])
