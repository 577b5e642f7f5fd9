"""tests/unit mirrors the engine: each module has a test file of its name or an ELSEWHERE entry."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE, TESTS = ROOT / "src" / "finesweep", ROOT / "tests"
ENGINE = ("sweep", "runs", "registry")
ELSEWHERE = {
    "registry/records.py": "unit/registry/test_rule.py",
    "registry/report_data.py": "unit/registry/test_promotion_report.py",
    "registry/rescoring.py": "e2e/test_promotion.py",  # a registered model is loaded
    "registry/versions/queries.py": "unit/registry/test_promote.py",
    "registry/versions/registration.py": "unit/registry/test_versions.py",
    "registry/versions/tags.py": "unit/registry/test_promote.py",
    "runs/adapt.py": "e2e/test_adapt.py",  # a training
    "runs/exploration.py": "e2e/test_explore.py",
    "runs/finetune.py": "e2e/test_train.py",  # a training
    # One file for all launchers, whose workers must behave alike.
    "sweep/launchers/forked.py": "unit/sweep/launchers/test_fork_server.py",
    "sweep/launchers/gpus.py": "unit/sweep/launchers/test_launchers.py",
    "sweep/launchers/local.py": "unit/sweep/launchers/test_launchers.py",
    "sweep/launchers/rank_process.py": "unit/runs/ranks/test_followers.py",
    "sweep/launchers/ray.py": "e2e/test_ray.py",  # a cluster
    "sweep/launchers/ray_worker.py": "e2e/test_ray.py",
    "sweep/launchers/slurm.py": "unit/sweep/launchers/test_launchers.py",
    "sweep/launchers/slurm_commands.py": "unit/sweep/launchers/test_launchers.py",
    "sweep/launchers/slurm_task.py": "unit/sweep/launchers/test_launchers.py",
    "sweep/launchers/slurm_worker.py": "unit/sweep/launchers/test_launchers.py",
    "sweep/launchers/worker_process.py": "unit/sweep/launchers/test_launchers.py",
    "sweep/selection/combination_gain.py": "unit/sweep/selection/test_combining.py",
    "sweep/selection/restored_run.py": "unit/sweep/selection/test_claims.py",
    "sweep/selection/state.py": "unit/sweep/selection/test_confirmation.py",
    "sweep/study/keys.py": "unit/sweep/study/test_study.py",  # names
    "sweep/study/optuna_private.py": "contract/test_optuna_private.py",
    "sweep/study/ranking.py": "unit/sweep/selection/test_confirmation.py",
    "sweep/study/sampling/node.py": "unit/sweep/test_rehearsal.py",
    "sweep/study/trial_runs.py": "unit/sweep/selection/test_model_comparison.py",
    "sweep/study/weights.py": "unit/sweep/worker/test_checkpoints.py",
    "sweep/study/workers.py": "unit/sweep/test_stop_and_delete.py",
}
"""Module → the test file that fails when the module breaks."""


def untested(package: Path, tests: Path) -> set[str]:
    """Modules of the engine without a test file of their name."""
    modules = (file for name in ENGINE for file in (package / name).rglob("*.py"))
    paths = (file.relative_to(package) for file in modules if file.name != "__init__.py")
    return {
        path.as_posix()
        for path in paths
        if not (tests / "unit" / path.parent / f"test_{path.name}").exists()
    }


def test_each_module_of_the_engine_has_its_test() -> None:
    assert untested(PACKAGE, TESTS) == ELSEWHERE.keys()


def test_a_test_elsewhere_exists() -> None:
    assert [test for test in ELSEWHERE.values() if not (TESTS / test).exists()] == []


def test_a_new_module_without_a_test_is_reported(tmp_path: Path) -> None:
    for file in ("src/sweep/worker/new.py", "src/sweep/old.py", "tests/unit/sweep/test_old.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert untested(tmp_path / "src", tmp_path / "tests") == {"sweep/worker/new.py"}
