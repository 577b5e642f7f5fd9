"""What the doctor says of packages, threads, disk and number formats."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from finesweep import cli
from finesweep.config import Config, StorageConfig, TrackingConfig
from finesweep.setup.doctor import examination, machine, packages, services, stores
from finesweep.setup.doctor.findings import ok
from finesweep.sweep.launchers.local import usable_cores

HERE = Config(storage=StorageConfig(url="sqlite:///s.db"), tracking=TrackingConfig(uri="http://h"))


def test_the_tested_set_pins_every_requirement() -> None:
    pins = packages.tested_versions()
    assert pins["torch"] == "2.13.0"
    assert {"optuna", "mlflow", "hydra-core", "transformers"} <= pins.keys()


def test_a_package_that_is_not_as_tested_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert packages.packages().state == "ok"
    (tmp_path / "constraints.txt").write_text("optuna==0.1\nabsent==1\n", encoding="utf-8")
    monkeypatch.setattr(packages, "packaged_root", lambda: tmp_path)
    found = packages.packages()
    message = f"in range; not as tested: optuna {version('optuna')} (tested 0.1)"
    assert (found.state, found.message) == ("ok", message)
    assert found.hint == f"pip install --constraint {tmp_path / 'constraints.txt'} finesweep"


def test_a_requirement_out_of_range_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = ["optuna>=99", "absent>=1", "numpy>=1", "gone>=1; extra == 'serve'"]
    monkeypatch.setattr(packages, "requires", lambda name: needs)
    found = packages.packages()
    installed = f"optuna {version('optuna')} is installed; >=99 is needed"
    assert found.is_fatal
    assert found.message == f"{installed}; absent is not installed"
    extras = packages.extras()
    assert (extras.state, extras.is_fatal) == ("missing", False)
    assert extras.hint == "pip install 'finesweep[serve]'"


def test_more_threads_than_cores_are_broken_but_not_fatal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", str(usable_cores() + 1))
    found = machine.cpu()
    assert (found.state, found.hint) == ("broken", "unset OMP_NUM_THREADS")
    assert not found.is_fatal
    monkeypatch.setenv("OMP_NUM_THREADS", f"{usable_cores() + 1},1")
    assert machine.cpu() == replace(found, message=found.message.replace(" starts", ",1 starts"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert machine.cpu().state == "ok"


def test_the_disk_is_that_of_the_store_which_is_not_made(workplace: Path) -> None:
    found = machine.disk(HERE)
    assert found.state == "ok"
    assert found.message.endswith(f"GiB free at {workplace}")
    assert list(workplace.iterdir()) == []


def test_a_launcher_that_is_chosen_makes_its_programs_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    assert not services.slurm(HERE.launcher).is_fatal
    assert services.slurm(replace(HERE.launcher, name="slurm")).is_fatal
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    found = services.ray(replace(HERE.launcher, name="ray"))
    assert found.is_fatal
    assert "no cluster at 127.0.0.1:1" in found.message


@pytest.mark.parametrize(
    ("sinfo", "message"),
    [
        (None, "sinfo cannot be started: No such file or directory"),
        ("#!/bin/sh\nexec /bin/sleep 60\n", "sinfo does not answer within 0.1 s"),
    ],
)
def test_a_slurm_that_does_not_answer_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sinfo: str | None, message: str
) -> None:
    for name, text in (("sbatch", "#!/bin/sh\n"), ("sinfo", sinfo)):
        if text is not None:
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(services, "SINFO_SECONDS", 0.1)
    found = services.slurm(HERE.launcher)
    assert (found.state, found.message, found.is_fatal) == ("broken", message, False)
    assert services.slurm(replace(HERE.launcher, name="slurm")).is_fatal


@pytest.mark.parametrize(
    ("launcher", "needed"), [("local", set()), ("ray", {"ray"}), ("slurm", {"slurm"})]
)
def test_an_examination_that_fails_is_fatal_only_for_what_is_needed(
    launcher: str, needed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("here")

    for module, names in (
        (machine, ("cpu", "memory", "disk", "gpu")),
        (packages, ("python", "packages", "extras")),
        (services, ("hub", "ray", "slurm", "browser")),
        (stores, ("storage", "tracking")),
        (examination, ("_precision",)),
    ):
        for name in names:
            monkeypatch.setattr(module, name, fails)
    config = replace(HERE, launcher=replace(HERE.launcher, name=launcher))
    found = list(examination.examine(config))
    assert {each.message for each in found} == {"RuntimeError: here"}
    always = {"python", "packages", "memory", "disk", "precision", "storage", "tracking"}
    assert {each.name for each in found if each.is_fatal} == always | needed


@pytest.mark.slow
def test_the_cpu_multiplies_fp32() -> None:
    from finesweep.setup.doctor.precision import precision

    found = precision()
    assert found.state == "ok"
    assert "FLOP/s" in found.message.partition("fp32 ")[2].partition(",")[0]
    assert "training.precision=auto is" in found.message


@pytest.mark.slow
def test_the_command_prints_a_line_each_or_json_and_makes_nothing(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Multiplying is the test above; the Hub may take seconds to answer.
    monkeypatch.setattr(examination, "_precision", lambda: ok("precision", "as above"))
    monkeypatch.setattr(services, "hub", lambda: ok("hub", "not asked"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    handler = signal.getsignal(signal.SIGTERM)
    codes = []
    for arguments in (["doctor"], ["doctor", "--json", "tracking.uri=http://127.0.0.1:1"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        codes.append(ended.value.code)
    signal.signal(signal.SIGTERM, handler)
    assert codes == [0, 1]
    lines, _, printed = capsys.readouterr().out.partition("ready for sweeps\n")
    marks = [line.split()[:2] for line in lines.splitlines() if line and line[0] != " "]
    assert ["ok", "python"] in marks
    assert ["missing", "gpu"] in marks
    found = {each["name"]: each for each in json.loads(printed)}
    assert [each[1] for each in marks] == list(found)
    assert found["tracking"]["state"] == "broken"
    assert list(workplace.iterdir()) == []
