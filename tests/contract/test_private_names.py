"""Private names of other libraries: each is used in one module only, and still exists.

A release that renames one fails here first, by name, and not in a worker.
"""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow.tracking.fluent
import optuna
import pytest
import torch
import transformers
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.config_source import ConfigSource
from optuna.distributions import BaseDistribution
from optuna.samplers import QMCSampler
from optuna.storages import RDBStorage

import finesweep
from finesweep.cli.arguments.hydra_flags import hydra_flags
from finesweep.config.compose import register_schema
from finesweep.config.overrides.hydra_private import apply_as_hydra
from finesweep.config.overrides.mappings import apply
from finesweep.model.transformers_private import fields_of

PACKAGE = Path(finesweep.__file__).parent
CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"
STANDARD = {"os._exit", "atexit._run_exitfuncs", "threading._shutdown", "output._replace"}
"""Python's own: a forked process exits by the first three; a named tuple's method is public."""


@dataclass(frozen=True)
class Private:
    """One name, its owner, and the parameters of a method that is called or overridden."""

    name: str
    owner: Callable[[], Any]
    parameters: str | None = None


@cache
def study() -> optuna.Study:
    return optuna.create_study(storage="sqlite://")


def trainer() -> type[transformers.Trainer]:
    return transformers.Trainer


EPOCH = (
    "self model epoch train_dataloader steps_in_epoch num_update_steps_per_epoch trial "
    "ignore_keys_for_eval start_time resume_from_checkpoint epochs_trained "
    "steps_trained_in_current_epoch"
)
LOADER = "hydra._internal.config_loader_impl"
TRACKING = "mlflow.tracking._tracking_service.utils"
HOMES: dict[str, tuple[str, list[Private]]] = {
    "sweep/study/optuna_private.py": (
        "optuna",
        [
            Private("_storage", study),
            Private("_study_id", study),
            Private("_thread_local", study),
            Private("cached_all_trials", lambda: study()._thread_local),
            Private("_backend", lambda: study()._storage),
            Private("_contains", lambda: BaseDistribution, "self param_value_in_internal_repr"),
            Private("_create_new_trial", lambda: RDBStorage, "self study_id template_trial"),
            Private(
                "_set_trial_param",
                lambda: RDBStorage,
                "self trial_id param_name param_value_internal distribution previous_distribution",
            ),
            Private(
                "_get_trials",
                lambda: RDBStorage,
                "self study_id states included_trial_ids trial_id_greater_than",
            ),
            Private("_get_best_trial_id", lambda: RDBStorage, "self study_id direction"),
            Private("_find_sample_id", lambda: QMCSampler, "self study search_space"),
        ],
    ),
    "config/overrides/hydra_private.py": (
        "hydra-core",
        [
            Private(LOADER, lambda: None),
            Private(
                "_apply_overrides_to_config",
                lambda: import_module(LOADER).ConfigLoaderImpl,
                "overrides cfg",
            ),
            Private(
                "_compose_config_from_defaults_list",
                lambda: import_module(LOADER).ConfigLoaderImpl,
                "self defaults repo",
            ),
            Private(
                "_create_interpolation_map",
                lambda: import_module("hydra._internal.defaults_list"),
                "overrides defaults_list self_added",
            ),
            Private("_get_header_dict", lambda: ConfigSource, "config_text"),
            Private("hydra._internal", lambda: None),
            Private("hydra._internal.config_repository", lambda: None),
            Private("hydra._internal.defaults_list", lambda: None),
            Private("hydra._internal.hydra", lambda: None),
            Private("hydra._internal.utils", lambda: None),
            Private("_value", lambda: OverridesParser.create().parse_override("a=1")),
        ],
    ),
    "model/transformers_private.py": (
        "transformers",
        [
            Private("_attn_implementation", transformers.BertConfig),
            Private("_name_or_path", transformers.BertConfig),
            Private("_init_weights", lambda: transformers.PreTrainedModel, "self module"),
        ],
    ),
    "training/trainer_private.py": (
        "transformers",
        [
            Private("_get_train_sampler", trainer, "self train_dataset"),
            Private("_get_eval_sampler", trainer, "self eval_dataset"),
            Private("_prepare_inputs", trainer, "self inputs"),
            Private("_run_epoch", trainer, EPOCH),
            Private("_load_from_checkpoint", trainer, "self resume_from_checkpoint model"),
            Private("_load_optimizer_and_scheduler", trainer, "self checkpoint"),
            Private("_load_scaler", trainer, "self checkpoint"),
            Private("_load_rng_state", trainer, "self checkpoint"),
        ],
    ),
    "training/precision.py": (
        "torch",
        [
            Private("_is_avx512_bf16_supported", lambda: torch.cpu, ""),
            Private("_is_amx_tile_supported", lambda: torch.cpu, ""),
        ],
    ),
    "tracking/current.py": (
        "mlflow",
        [
            Private("mlflow.tracking._tracking_service", lambda: None),
            Private("_tracking_uri", lambda: import_module(TRACKING)),
            Private("_active_experiment_id", lambda: mlflow.tracking.fluent),
        ],
    ),
}
"""Module → the library whose private names it may use, and these names."""

CASES = [(library, each) for library, names in HOMES.values() for each in names]


@pytest.fixture
def without_our_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts back Hydra's own method, which composing in an earlier test has replaced."""
    loader = import_module(LOADER).ConfigLoaderImpl
    monkeypatch.setattr(loader, "_apply_overrides_to_config", staticmethod(apply_as_hydra))


@pytest.mark.usefixtures("without_our_overrides")
@pytest.mark.parametrize(("library", "private"), CASES, ids=lambda case: getattr(case, "name", ""))
def test_a_private_name_exists(library: str, private: Private) -> None:
    pinned = re.search(rf"^{library}==(\S+)$", CONSTRAINTS.read_text(encoding="utf-8"), re.M)
    assert pinned is not None
    where = f"{library} {version(library)}; it was taken from {pinned[1]}"
    if "." in private.name:
        assert import_module(private.name), where
        return
    assert hasattr(private.owner(), private.name), f"{private.name} is gone from {where}"
    if private.parameters is not None:
        method = getattr(private.owner(), private.name)
        parameters = " ".join(inspect.signature(method).parameters)
        assert parameters == private.parameters, f"{private.name}({parameters}) in {where}"


@pytest.mark.parametrize("private", HOMES["training/trainer_private.py"][1], ids=lambda p: p.name)
def test_trainer_calls_the_overridden_method(private: Private) -> None:
    source = inspect.getsource(transformers.Trainer)
    is_called = re.search(rf"self\.{private.name}\b", source) is not None
    assert is_called, f"Trainer of transformers {transformers.__version__} has no {private.name}"


def test_fields_of_a_config_exclude_its_path() -> None:
    here, there = (transformers.BertConfig(name_or_path=path) for path in ("here", "there"))
    assert here.to_dict() != there.to_dict()
    assert fields_of(here) == fields_of(there)


def test_hydra_applies_overrides_through_the_replaced_method() -> None:
    register_schema()
    loader = import_module(LOADER).ConfigLoaderImpl
    assert loader._apply_overrides_to_config is apply
    assert inspect.getsource(loader).count("ConfigLoaderImpl._apply_overrides_to_config(") == 1


@pytest.mark.parametrize("home", HOMES)
def test_a_home_uses_exactly_the_names_tested_here(home: str) -> None:
    listed = {each.name for each in HOMES[home][1]} - {"cached_all_trials"}
    assert set(private_names(PACKAGE / home)) == listed


# MLflow's own, when its base class of models is first imported.
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")
def test_no_other_module_uses_private_names_of_libraries() -> None:
    named = {
        (str(file.relative_to(PACKAGE)), name)
        for file in PACKAGE.rglob("*.py")
        if str(file.relative_to(PACKAGE)) not in HOMES
        for name in private_names(file)
    }
    assert named == set()


def private_names(file: Path) -> Iterator[str]:
    """Private names of other libraries among a module's attributes, keywords, overridden methods,
    imports, and strings equal to a listed name."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    own, listed = _defined(tree), {each.name for _, each in CASES}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_private(node.attr):
            base = ast.unparse(node.value)
            is_own = base in ("self", "cls") and node.attr in own
            if not is_own and f"{base}.{node.attr}" not in STANDARD:
                yield node.attr
        elif isinstance(node, ast.keyword) and node.arg and _is_private(node.arg):
            yield node.arg
        elif isinstance(node, ast.Constant) and node.value in listed:
            yield str(node.value)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from filter(_is_private_module, _imported(node))
        elif isinstance(node, ast.ClassDef) and node.bases:
            yield from _overridden(file, node)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name.strip("_") != ""


def _is_private_module(name: str) -> bool:
    return not name.startswith("finesweep") and any(map(_is_private, name.split(".")))


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The private names that are imported, or the module if there are none."""
    names = [alias.name for alias in node.names]
    if isinstance(node, ast.Import):
        return names
    module = node.module or ""
    private = [f"{module}.{name}" for name in names if _is_private(name)]
    return private or [module]


def _defined(tree: ast.AST) -> set[str]:
    """Names of functions, of attributes set on self, and of fields that a class declares."""
    nodes = list(ast.walk(tree))
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    fields = {
        node.target.id
        for node in nodes
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    attributes = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and ast.unparse(node.value) == "self"
    }
    return functions | fields | attributes


def _overridden(file: Path, node: ast.ClassDef) -> Iterator[str]:
    """Private methods of a class that override one of a base class from another library."""
    names = [
        each.name
        for each in node.body
        if isinstance(each, ast.FunctionDef) and _is_private(each.name)
    ]
    if not names:
        return
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow about its own type hints
        kind = getattr(import_module(".".join(parts)), node.name)
    foreign = [each for each in kind.__mro__ if not each.__module__.startswith("finesweep")]
    yield from (name for name in names if any(name in vars(each) for each in foreign))


def test_the_parser_of_train_takes_hydras_flags() -> None:
    def flags(parser: Any) -> dict[str, tuple[Any, ...]]:
        return {
            action.dest: (
                sorted(action.option_strings),
                action.nargs,
                action.const,
                None if action.choices is None else list(action.choices),
            )
            for action in parser._actions
        }

    hydras = import_module("hydra._internal.utils").get_args_parser()
    assert flags(hydra_flags()) == flags(hydras)
