"""The command line: output on stdout and stderr, and exit codes."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub.constants
import pytest
import yaml

from finesweep import cli
from finesweep.cli.runs import train
from finesweep.errors import FinesweepError
from finesweep.records import DecisionRule

ROOT = Path(__file__).parents[3]
Output = tuple[int, str, str]
"""Exit code, stdout, stderr."""
SWEEPS = ", ".join(sorted(path.stem for path in (ROOT / "sweeps").glob("*.yaml")))
NOTHING = "nothing to classify; pass texts, --file, or lines on stdin"


@pytest.fixture
def finesweep(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Output]]:
    """Runs one command in an empty folder: exit code, stdout, stderr."""
    # Ignored until a command sets a handler: the default would end pytest itself.
    handler = signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def run(*arguments: str) -> Output:
        monkeypatch.setattr(sys, "argv", ["finesweep", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        with pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    yield run
    signal.signal(signal.SIGTERM, handler)


Run = Callable[..., Output]


@pytest.fixture
def completed(finesweep: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """The completions of a typed line."""

    def query(line: str) -> list[str]:
        monkeypatch.setenv("COMP_LINE", line)
        code, out, err = finesweep("-sc", "query=bash")
        assert (code, err) == (0, "")
        return out.split()

    return query


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_the_usage_lists_every_command_with_its_purpose(
    finesweep: Run, arguments: list[str]
) -> None:
    code, out, err = finesweep(*arguments)
    assert (code, err) == (0, "")
    assert out.startswith("usage: finesweep COMMAND …\n")
    listed = dict(re.findall(r"^  ([a-z]+) +(\S.*)$", out, re.MULTILINE))
    assert cli.COMMANDS.items() <= listed.items()
    assert 'eval "$(finesweep -sc install=bash)"' in out


def test_the_version_is_the_installed_one(finesweep: Run) -> None:
    assert finesweep("--version") == (0, f"finesweep {version('finesweep')}\n", "")


def test_an_unknown_command_offers_the_nearest(finesweep: Run) -> None:
    known = f"known: {', '.join(sorted(cli.COMMANDS))}"
    assert finesweep("trian") == (
        2,
        "",
        f"finesweep: unknown command 'trian'; did you mean 'train'? {known}\n",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "training.epochs=0"], "training.epochs: 0 given; must be at least 1"),
        (["explore", "dataset.seed=-1"], "dataset.seed: -1 given; must be at least 0"),
        (["train", "model=checkpoint", "--cfg", "job"], "model.name_or_path: must be given"),
        (["train", "-m", "training.epochs=1,0"], "training.epochs: 0 given; must be at least 1"),
        (
            ["adapt", "adapt.masked_share=0"],
            "adapt.masked_share: 0.0 given; must be above 0 and below 1",
        ),
        (
            ["sweep", "demo", "adapt.probe=a,b"],
            "adapt.probe: belongs to the whole sweep and cannot be searched",
        ),
        (["sweep", "dmo"], f"sweep: no sweep 'dmo'; did you mean 'demo'? known: {SWEEPS}"),
        (
            ["sweep", "demo", "workers=1,2"],
            "workers: belongs to the whole sweep and cannot be searched",
        ),
        (
            ["predict", "--model", "m"],
            f"TEXT: {NOTHING}",
        ),
        (
            ["predict", "--model", "m", "tracking.uri=sqlite:///a.db"],
            f"TEXT: {NOTHING}",
        ),
        (
            ["predict", "--model", "m", "text", "--threshold", "1.5"],
            "--threshold: 1.5 given; must be 0 to 1",
        ),
        (["serve", "--model", "m", "--port", "70000"], "--port: 70000 given; must be 0 to 65535"),
        (
            ["serve", "--model", "m", "--threshold", "2"],
            "--threshold: 2.0 given; must be 0 to 1",
        ),
        (
            ["predict", "--model", "m", "text", "--file", "a.txt"],
            "--file: cannot be combined with texts; pass one or the other",
        ),
        (
            ["predict", "--model", "m", "text", "--threshold", "nan"],
            "--threshold: nan given; must be 0 to 1",
        ),
        (
            ["predict", "--model", "m", "--file", "absent.txt"],
            "--file: absent.txt: No such file or directory",
        ),
        (["predict", "--model", "m", "--file", "."], "--file: .: Is a directory"),
        (["ui", "a", "b"], "SWEEP: 2 given: a, b; give one"),
        (
            ["ui", "nope"],
            "SWEEP: no sweep 'nope' in sqlite:///mlruns/mlflow.db; none has been run here yet",
        ),
        (
            ["status", "nope"],
            "sweep: no study 'nope' in sqlite:///mlruns/optuna.db; none has been run here yet",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_message_on_stderr_and_exit_2(
    finesweep: Run, workplace: Path, arguments: list[str], message: str
) -> None:
    assert finesweep(*arguments) == (2, "", f"finesweep: {message}\n")
    assert list(workplace.iterdir()) == []


def test_a_file_in_another_encoding_is_reported_with_its_name(
    finesweep: Run, workplace: Path
) -> None:
    (workplace / "a.txt").write_bytes(b"d\xe9j\xe0 vu\n")
    code, _, err = finesweep("predict", "--model", "m", "--file", "a.txt")
    assert code == 2
    assert err == (
        "finesweep: --file: a.txt is not utf-8 at byte 1 (line 1, 0xe9); try --encoding=latin-1\n"
    )


def test_several_problems_are_listed_together(finesweep: Run) -> None:
    assert finesweep("train", "training.epochs=0", "workers=0") == (
        2,
        "",
        "finesweep: 2 problems:\n"
        "  training.epochs: 0 given; must be at least 1\n"
        "  workers: 0 given; must be at least 1\n",
    )


@pytest.mark.parametrize(
    "arguments",
    [["sweep"], ["status"], ["predict", "text"], ["ui", "--port", "x"], ["train", "--bogus"]],
    ids=" ".join,
)
def test_bad_usage_of_a_command_prints_its_usage_and_exits_2(
    finesweep: Run, arguments: list[str]
) -> None:
    code, out, err = finesweep(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: ")
    assert "error: " in err


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (FinesweepError("disk full"), 1, "finesweep: disk full\n"),
        (KeyboardInterrupt(), 130, "\nfinesweep: interrupted\n"),
    ],
)
def test_an_error_decides_the_exit_code(
    finesweep: Run,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    message: str,
) -> None:
    def ends(arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr(train, "run", ends)
    assert finesweep("train") == (code, "", message)


def test_the_return_value_of_a_command_is_the_exit_code(
    finesweep: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "run", lambda arguments: len(arguments))
    assert finesweep("train", "a=1") == (1, "", "")
    assert finesweep("train") == (0, "", "")


def test_sigterm_is_an_interruption(finesweep: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(arguments: list[str]) -> int:
        signal.raise_signal(signal.SIGTERM)
        return 0

    monkeypatch.setattr(train, "run", ends)
    assert finesweep("train")[0] == 130


def test_a_closed_pipe_prints_no_traceback(workplace: Path) -> None:
    code = "import sys, finesweep.cli as c; sys.stdout.write('x' * 100_000); c.main(['--help'])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""


def test_train_cfg_prints_the_composed_config(finesweep: Run, workplace: Path) -> None:
    code, out, err = finesweep("train", "--cfg", "job", "training.epochs=2", "model=distil_minilm")
    assert (code, err) == (0, "")
    printed = yaml.safe_load(out)
    assert printed["training"]["epochs"] == 2
    assert printed["model"]["distil"] is True
    assert "hydra" not in printed
    assert list(workplace.iterdir()) == []


def test_explore_cfg_prints_the_composed_config(finesweep: Run, workplace: Path) -> None:
    code, out, err = finesweep("explore", "--cfg", "job", "dataset.max_length=64")
    assert (code, err) == (0, "")
    assert yaml.safe_load(out)["dataset"]["max_length"] == 64
    assert list(workplace.iterdir()) == []


def test_train_help_names_groups_and_fields(finesweep: Run) -> None:
    code, out, err = finesweep("train", "--help")
    assert (code, err) == (0, "")
    assert out.lstrip().startswith("finesweep train [OVERRIDE…]: one fine-tuning run")
    assert "model: bert, checkpoint, distil_minilm, distilbert, minilm\n" in out
    assert "  training.learning_rate=2e-05   number above 0\n      Peak learning rate" in out
    assert out.endswith("--hydra-help lists Hydra's own flags.\n")


def test_sweep_cfg_prints_the_base_config_of_its_trials(finesweep: Run, workplace: Path) -> None:
    code, out, err = finesweep("sweep", "demo", "--cfg", "job", "sweep.n_trials=20")
    assert (code, err) == (0, "")
    printed = yaml.safe_load(out)
    assert printed["dataset"]["train_size"] == 1000
    assert printed["sweep"]["n_trials"] == 20
    assert printed["sweep"]["params"]["training.epochs"] == "range(1, 3)"
    assert list(workplace.iterdir()) == []


def test_a_model_of_single_texts_takes_no_pair_column(
    finesweep: Callable[..., Output], monkeypatch: pytest.MonkeyPatch
) -> None:
    def single(uri: str, *, tracking_uri: str) -> SimpleNamespace:
        return SimpleNamespace(decision_rule=DecisionRule())

    monkeypatch.setattr("finesweep.prediction.load_classifier", single)
    code, out, err = finesweep("predict", "--model", ".", "a text", "--pair-column", "b")
    message = "finesweep: --pair-column: . takes single texts, not pairs; omit it\n"
    assert (code, out, err) == (2, "", message)


def test_sweep_help_names_the_keys_of_a_sweep_file(finesweep: Run) -> None:
    code, out, err = finesweep("sweep", "--help")
    assert (code, err) == (0, "")
    assert "  n_trials: ???   whole number at least 1 or null\n      Number of slots" in out


def test_schema_prints_json_schema_and_knows_its_names(finesweep: Run) -> None:
    code, out, err = finesweep("schema", "training")
    assert (code, err) == (0, "")
    assert json.loads(out)["properties"]["epochs"]["default"] == 3
    code, out, err = finesweep("schema", "swep")
    assert (code, out) == (2, "")
    assert err.startswith("finesweep: NAME: no schema 'swep'; did you mean 'sweep'? known: adapt, ")


def test_new_says_what_it_guessed_and_which_commands_follow(
    finesweep: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    rows = "".join(f"a film number {k} of ours,{k % 2}\n" for k in range(60))
    (workplace / "my films.csv").write_text(f"title,liked\n{rows}", encoding="utf-8")
    code, out, err = finesweep("new", "films", "--data", "my films.csv")
    assert (code, err) == (0, "")
    assert re.search(r"^text_column +title +the text *$", out, re.MULTILINE)
    assert re.search(r"^label_column +liked +2 labels: '0', '1' *$", out, re.MULTILINE)
    again = "  finesweep new films --data 'my films.csv' dataset.FIELD=VALUE --force\n"
    assert out.endswith(
        f"{again}next:\n  finesweep explore dataset=films\n  finesweep sweep films\n"
    )
    code, out, err = finesweep("new", "films", "--data", "my films.csv")
    assert (code, out) == (2, "")
    assert err.startswith("finesweep: NAME: conf/dataset/films.yaml and sweeps/films.yaml exist")


@pytest.mark.parametrize(
    "command",
    ["adapt", "explore", "sweep", "status", "predict", "ui", "new", "doctor", "schema"],
)
def test_each_command_has_its_help(finesweep: Run, command: str) -> None:
    code, out, err = finesweep(command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: finesweep {command} ")
    assert cli.COMMANDS[command] in out


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("finesweep ", list(cli.COMMANDS)),
        ("finesweep s", ["schema", "sweep", "status", "stop", "serve"]),
        ("finesweep sweep d", ["demo"]),
        ("finesweep sweep x", []),
        ("finesweep status d", []),
        ("finesweep e", ["explore", "export"]),
        ("finesweep explore model=b", ["model=bert"]),
        ("finesweep train model=b", ["model=bert"]),
        ("finesweep train training.epochs=2 model=d", ["model=distil_minilm", "model=distilbert"]),
        ("finesweep train training.la", ["training.label_smoothing=", "training.layer_decay="]),
        ("finesweep adapt adapt.m", ["adapt.masked_share="]),
        ("finesweep sweep demo dataset=i", ["dataset=imdb"]),
        ("finesweep sweep demo model.f", ["model.freeze_layers="]),
    ],
)
def test_tab_offers_commands_sweeps_groups_and_fields(
    completed: Callable[[str], list[str]], line: str, offered: list[str]
) -> None:
    assert completed(line) == offered


def test_tab_offers_the_users_own_sweeps(
    completed: Callable[[str], list[str]], workplace: Path
) -> None:
    (workplace / "sweeps").mkdir()
    (workplace / "sweeps/mine.yaml").write_text("# @package sweep\n", encoding="utf-8")
    assert completed("finesweep sweep ") == sorted([*SWEEPS.split(", "), "mine"])


def test_completion_installs_hydras_shell_code(finesweep: Run) -> None:
    code, out, err = finesweep("-sc", "install=bash")
    assert (code, err) == (0, "")
    assert "complete -o nospace -o default -F hydra_bash_completion" in out


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import finesweep.cli", ["torch", "transformers", "mlflow", "optuna", "hydra", "rich"]),
        (
            "import finesweep.cli.setup.explore",
            ["torch", "transformers", "mlflow", "pandas", "rich"],
        ),
        ("import finesweep.cli.runs.adapt", ["torch", "transformers", "mlflow", "optuna"]),
        ("import finesweep.cli.sweeps.sweep", ["torch", "transformers", "mlflow", "optuna"]),
        ("import finesweep.cli.runs.train", ["torch", "transformers", "mlflow", "optuna"]),
        ("import finesweep.cli.sweeps.status", ["torch", "transformers", "mlflow", "optuna"]),
        ("import finesweep.cli.models.predict", ["torch", "transformers", "mlflow", "optuna"]),
        ("import finesweep.cli.setup.new", ["torch", "transformers", "mlflow", "pandas"]),
        ("import finesweep.cli.setup.doctor", ["torch", "transformers", "mlflow", "sqlalchemy"]),
    ],
)
def test_help_imports_no_slow_library(code: str, absent: list[str]) -> None:
    show = f"{code}, sys; print([name for name in {absent} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", show], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "-m", "training.weight_decay=interval(0, 1)"], "training.weight_decay: "),
        (["train", "-m", "training.epochs=1,2", "--cfg", "job"], "--multirun"),
        (["train", "--experimental-rerun", "absent"], "absent"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_flag_that_hydra_refuses_is_exit_2(
    finesweep: Run, arguments: list[str], message: str
) -> None:
    code, _, err = finesweep(*arguments)
    assert code == 2
    assert message in err


@pytest.mark.parametrize("command", ["sweep", "status"])
def test_overrides_are_not_listed_as_required(finesweep: Run, command: str) -> None:
    assert "OVERRIDE\n" not in finesweep(command)[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--resolve"], "--resolve: requires --cfg or --help"),
        (
            ["train", "-m", "model=glob(x*)"],
            "model: glob() matches no choice; "
            "known: bert, checkpoint, distil_minilm, distilbert, minilm",
        ),
        (
            ["train", "-m", "model=glob(*minilm)", "training.epochs=0"],
            "training.epochs: 0 given; must be at least 1",
        ),
        (
            ["-sc", "install=nope"],
            "-sc: install=nope given; must be install, uninstall or query, as in install=bash",
        ),
        (["-sc"], "-sc: nothing given; must be install, uninstall or query, as in install=bash"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_that_hydra_meets_with_a_traceback_is_one_message(
    finesweep: Run, arguments: list[str], message: str
) -> None:
    assert finesweep(*arguments) == (2, "", f"finesweep: {message}\n")
