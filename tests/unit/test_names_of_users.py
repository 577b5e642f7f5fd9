"""Labels, columns, data sets, experiments and models are called what people like: train, sweep,
registry and pages take every name as it is, and none becomes a query, a path, a key or markup."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from tests.stores import put_stores
from tests.sweeping import Sweeping

from finesweep.cli.models import models, predict
from finesweep.cli.runs import train
from finesweep.cli.setup import explore
from finesweep.cli.sweeps import status
from finesweep.config import compose
from finesweep.config.sweep_plan import as_override
from finesweep.registry.promote import Terms, promote
from finesweep.registry.versions import versions_of
from finesweep.sweep.study.study import finalist_in
from finesweep.tracking import find_runs, open_store
from finesweep.tracking.predictions import read_predictions

pytestmark = [
    pytest.mark.slow,  # each example trains, sweeps, promotes and draws
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
N_EXAMPLES = 20
"""Of hypothesis, drawn alike in every run (derandomize), for who adds Phase.generate: each takes a
sweep, and the example that is written out holds what the first draw has."""
NASTY = [
    "<script>alert(1)</script>", "bob's", 'say "x"', "'\"`", "[/b]", "[red]r", ":tada:", "$x^$",
    "C++", "C#", "a/b", "../up", "..", "%s {x}", "back\\slash", "two\nlines", "| a | b", "=1+1",
    "日本", "\u0639\u0631\u0628\u064a", "😀", "accuracy", "macro avg", "# a", "-", "null", "--help",
    "; DROP TABLE runs", "a\x00b", "&amp;", "__import__", "w" * 300,
]  # fmt: skip
ANY = st.sampled_from(NASTY) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20
)


def is_told(name: str) -> bool:
    """Not blank, and no interpolation of Hydra's, which is the user's own."""
    return bool(name.strip()) and name == name.strip() and "${" not in name


LABEL = ANY.filter(lambda name: is_told(name) and not name.replace(".", "").isdigit())
NAMED = ANY.filter(is_told)
MODEL = NAMED.filter(lambda name: not set("/:?\t\r\n\x00") & set(name) and name not in (".", ".."))


@dataclass(frozen=True)
class Names:
    """What a user may choose."""

    labels: list[str]
    columns: list[str]
    dataset: str
    experiment: str
    model: str

    @property
    def known(self) -> dict[str, str]:
        """Label as it stands in the data → its name: the first one is renamed."""
        return {name: f"{name}!" if k == 0 else name for k, name in enumerate(self.labels)}


NAMES = st.builds(
    Names,
    labels=st.lists(LABEL, min_size=3, max_size=6, unique_by=lambda name: name.casefold()),
    columns=st.lists(NAMED, min_size=2, max_size=2, unique=True),
    dataset=NAMED,
    experiment=NAMED.filter(lambda name: "\x00" not in name),
    model=MODEL.filter(lambda name: len(name) < 200),
)


@dataclass
class Place:
    """One folder for all examples: a project in which everything is called strangely."""

    sweeping: Sweeping
    checkpoint: Path
    numbers: Iterator[int] = field(default_factory=count)

    def prepare(self, names: Names, number: int) -> list[str]:
        """Overrides that train on some 48 rows whose labels, columns and maps bear the names."""
        folder = self.sweeping.folder
        text, label = names.columns
        rows = [
            {text: f"{'abcdefgh'[k]} {'abcdefgh'[k]} {n}", label: raw}
            for n in range(max(6, 48 // len(names.labels)))
            for k, raw in enumerate(names.labels)
        ]
        data = "\n".join(map(json.dumps, rows))
        (folder / f"data{number}.jsonl").write_text(data, encoding="utf-8")
        dataset = {
            "name": names.dataset,
            "path": f"data{number}.jsonl",
            "text_column": text,
            "label_column": label,
            "label_map": names.known,
            "max_length": 12,
        }
        (folder / "conf" / "dataset" / f"mine{number}.yaml").write_text(yaml.safe_dump(dataset))
        own = {
            "dataset": f"mine{number}",
            "model.name_or_path": str(self.checkpoint),
            "training.epochs": 1,
            "training.precision": "fp32",
        }
        sweep = {
            "n_trials": 1,
            "params": own | {"training.learning_rate": "interval(0.001, 0.01)"},
            "confirm": {"top_k": 1, "seeds": 0},
            "baseline": number == 0,
            "register": {"name": names.model},
        }
        text = yaml.safe_dump(sweep, sort_keys=False)
        (folder / "sweeps" / f"own{number}.yaml").write_text(f"# @package sweep\n{text}")
        experiment = as_override("tracking.experiment", names.experiment)
        return [*(as_override(*each) for each in own.items()), experiment]


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, empty_stores: Path
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("strange") / "project"
    for part in ("conf/dataset", "sweeps"):
        (folder / part).mkdir(parents=True)
    put_stores(empty_stores, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield Place(Sweeping(folder), tiny_bert)


class Page(HTMLParser):
    """The tags and the text of a page, without its style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.text, self.attributes = set[str](), "", set[str]()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def told(command: Any, *arguments: str) -> str:
    """What a command prints."""
    screen = io.StringIO()
    with redirect_stdout(screen), redirect_stderr(screen):
        assert command(list(arguments)) in (0, None)
    return screen.getvalue()


@settings(
    max_examples=N_EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit],
    suppress_health_check=list(HealthCheck),
)
@example(
    Names(
        labels=[
            "C++",
            "C#",
            "<script>alert(1)</script>",
            "[/b] $x^$ 'a' \"b\"",
            "bob's",
            "'\"`",
            "[red]r",
        ],
        columns=['bob\'s "text" \'"`', "<b>label</b>\n; DROP TABLE runs"],
        dataset="../<script>alert(1)</script> <i>reviews</i> 50% [red]",
        experiment='<script>alert(1)</script> bob\'s "first" `try`; --',
        model='bob\'s "tweets" <1>',
    )
)
@given(NAMES)
def test_every_name_is_taken_as_it_is(place: Place, names: Names) -> None:
    number, before = next(place.numbers), sorted(place.sweeping.folder.parent.iterdir())
    own, sweeping = place.prepare(names, number), replace(place.sweeping, name=f"own{number}")
    expected, places = sorted(names.known.values()), sweeping.places
    if number == 0:  # what costs most, for the names that are written out
        printed = flat(told(trained, *own, *places))
        assert all(flat(name) in printed for name in expected)
        told(explore.run, *own, *places)
    study, _ = sweeping.sweep(own[-1])
    finalist = finalist_in(study.user_attrs)
    assert finalist is not None

    config = sweeping.plan(own[-1]).base.config
    store = open_store(config.tracking)
    assert store.client.get_experiment(store.experiment_id).name == names.experiment
    (trial,) = find_runs(store, {"finesweep.sweep": f"own{number}", "finesweep.kind": "trial"})
    run = store.client.get_run(trial.run_id)
    params = run.data.params
    mapped = {name: text for name, text in params.items() if name.startswith("dataset.label_map.")}
    assert sorted(mapped.values()) == sorted(text[:6000] for text in map(kept, expected))
    assert params["training.epochs"] == "1"

    folder = Path(store.client.download_artifacts(trial.run_id, "", dst_path=None))
    answered = read_predictions(folder / "test" / "predictions.parquet")
    assert sorted(answered.label_names) == expected
    report = json.loads((folder / "test" / "classification_report.json").read_text("utf-8"))
    rows = [report.get(f"{name} (label)", report.get(name)) for name in answered.label_names]
    assert [row["support"] for row in rows] == np.bincount(
        answered.labels, minlength=len(rows)
    ).tolist()

    mine = [v for v in versions_of(store.client, names.model) if v.run_id == finalist.run_id]
    assert len(mine) == 1
    terms = Terms("non-inferiority", margin=0.9)
    verdict = promote(
        replace(config), names.model, number=mine[0].number, terms=terms, dry_run=False
    )
    assert verdict.challenger.number == mine[0].number
    listing = flat(told(models.run, *places) + told(models.run, "--json", *places))
    assert flat(names.model) in listing
    assert flat(names.model) in flat(told(status.run, f"own{number}", *places))
    uri = f"models:/{names.model}/{mine[0].number}"
    answer = json.loads(
        told(predict.run, "--model", uri, "--json", *places, "a a 1").splitlines()[-1]
    )
    assert sorted(answer["probabilities"]) == expected

    pages = [*(sweeping.folder / "mlruns" / "explore").glob("*.html")]
    pages += Path(store.client.download_artifacts(trial.run_id, "promotion")).rglob("*.html")
    assert len(pages) == 2
    for path in pages:
        page = Page(path.read_text(encoding="utf-8"))
        assert not {"script", "b", "i"} & page.tags
        assert not {each for each in page.attributes if each.startswith("on")}
    assert sorted(sweeping.folder.parent.iterdir()) == before


def trained(arguments: list[str]) -> None:
    """What `finesweep train` does once Hydra has composed it."""
    train._train(compose(arguments), quiet=False)


def flat(text: str) -> str:
    """Without the line breaks and blanks in which screens fold a text."""
    return "".join(text.split())


def kept(name: str) -> str:
    return name.replace("\x00", "\N{REPLACEMENT CHARACTER}")
