"""Hydra's search path: the user's ./conf and ./sweeps first, then the packaged ones."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf
from yaml import YAMLError, safe_load

from finesweep.config.overrides.hydra_private import header_of
from finesweep.errors import ConfigError, Problem

SWEEPS = "sweeps"
USER, PACKAGE = "user", "finesweep"
"""Names of the config sources, as Hydra's `provider`."""
SUFFIX = ".yaml"
UNNAMED = 'in "<unicode string>", '
"""How YAML's errors name a text without a file."""


_user_root: ContextVar[Path | None] = ContextVar("user_root", default=None)
"""Root of the user's files after use_files, in each thread; None is the current folder."""


def user_files() -> dict[str, str]:
    """Relative path → text of the user's YAML files, which workers on other machines need."""
    root = _own_root()
    paths = [
        path for folder in ("conf", SWEEPS) for path in sorted((root / folder).rglob("*.yaml"))
    ]
    return {name: _text(path, name) for path in paths for name in [str(path.relative_to(root))]}


def _text(path: Path, name: str) -> str:
    """The file's text; ConfigError by this name if it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(name, f"is not UTF-8: {error}")) from error


def use_files(files: Mapping[str, str]) -> None:
    """Uses these as this thread's user's files until preserved_files ends, or the thread does."""
    _user_root.set(_folder_of(tuple(sorted(files.items()))))


@contextmanager
def preserved_files() -> Iterator[None]:
    """Puts back the user's files that were used before, whoever calls use_files meanwhile."""
    before = _user_root.get()
    try:
        yield
    finally:
        _user_root.set(before)


def _own_root() -> Path:
    return _user_root.get() or Path.cwd()


@cache
def _folder_of(files: tuple[tuple[str, str], ...]) -> Path:
    """A folder with these files; one for the same files, so that nothing is composed anew."""
    root = Path(tempfile.mkdtemp(prefix="finesweep-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    for name, text in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def project_folders(name: str) -> tuple[Path, Path]:
    """The folders of this name: the user's, which may not exist, and the packaged one."""
    return _own_root() / name, packaged_root() / name


def packaged_root() -> Path:
    """The folder with finesweep's own conf/ and sweeps/, in the wheel or in a checkout."""
    package = Path(__file__).parents[1]
    return package if (package / "conf").is_dir() else package.parents[1]


class ProjectSource(ConfigSource):
    """A folder with conf/GROUP/CHOICE.yaml and sweeps/NAME.yaml, as one tree of config groups.

    The user's folder adds and replaces choices within groups, never config.yaml itself.
    """

    @staticmethod
    def scheme() -> str:
        return "finesweep"

    def _locate(self, config_path: str) -> Path:
        is_sweep = config_path == SWEEPS or config_path.startswith(f"{SWEEPS}/")
        return Path(self.path) / ("" if is_sweep else "conf") / config_path

    def _file(self, config_path: str) -> Path:
        return self._locate(config_path.removesuffix(SUFFIX) + SUFFIX)

    def is_group(self, config_path: str) -> bool:
        return self._locate(config_path).is_dir()

    def is_config(self, config_path: str) -> bool:
        if self.provider == USER and len(PurePosixPath(config_path).parts) < 2:
            return False
        return self._file(config_path).is_file()

    def available(self) -> bool:
        return self.is_group("") or self.is_group(SWEEPS)

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        folder = self._locate(config_path)
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        paths = {name: f"{config_path}/{name}".lstrip("/") for name in names}
        groups = {name for name, path in paths.items() if self.is_group(path)}
        configs = {
            name.removesuffix(SUFFIX)
            for name, path in paths.items()
            if name.endswith(SUFFIX) and self.is_config(path)
        }
        if results_filter is None:
            return sorted(groups | configs)
        return sorted(groups if results_filter is ObjectType.GROUP else configs)

    def version(self) -> tuple[tuple[str, int, int], ...]:
        """Path, time of change in nanoseconds and size of each file."""
        folders = [Path(self.path) / "conf", Path(self.path) / SWEEPS]
        paths = [path for folder in folders for path in folder.rglob(f"*{SUFFIX}")]
        states = [(str(path), path.stat()) for path in paths]
        return tuple(sorted((path, s.st_mtime_ns, s.st_size) for path, s in states))

    def load_config(self, config_path: str) -> ConfigResult:
        text = _text(self._file(config_path), config_path)
        try:
            values = _values(text)
        except YAMLError as error:
            problem = " ".join(str(error).replace(UNNAMED, "at ").split())
            raise ConfigError(Problem(config_path, f"is not YAML: {problem}")) from error
        if values is None:
            raise ConfigError(Problem(config_path, "a config is a mapping, `field: value`"))
        return ConfigResult(
            provider=self.provider,
            path=self.full_path(),
            config=OmegaConf.create(values),
            header=header_of(text),
        )


@cache
def _values(text: str) -> Any:
    """The mapping in a YAML file, with interpolations unresolved; None if it is not a mapping.

    Cached, because every composition reads the same dozen files and parsing is a tenth of its time.
    """
    # OmegaConf would read a single word as a key without a value, and assert on a number.
    if not isinstance(safe_load(text) or {}, dict):
        return None
    return OmegaConf.to_container(OmegaConf.create(text))


class ProjectSearchPath(SearchPathPlugin):
    """Adds the two folders to Hydra's search path, the user's first."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        search_path.append(USER, f"{ProjectSource.scheme()}://{_own_root()}")
        search_path.append(PACKAGE, f"{ProjectSource.scheme()}://{packaged_root()}")


def version_of(source: ConfigSource) -> Hashable:
    """A value that changes with the source's content; None when that cannot be told."""
    if isinstance(source, ProjectSource):
        return source.version()
    if source.scheme() == "structured":
        return _stored(ConfigStore.instance().repo)
    # Hydra's own defaults do not change while it runs; a package of the user's may.
    return source.path if source.provider == "hydra" else None


def _stored(entries: Mapping[str, Any]) -> tuple[tuple[str, Hashable], ...]:
    """Name and identity of each node in a part of the ConfigStore."""
    _nodes.update((id(entry), entry) for entry in entries.values())
    return tuple(
        (name, _stored(entry) if isinstance(entry, dict) else id(entry))
        for name, entry in entries.items()
    )


_nodes: dict[int, Any] = {}
"""Keeps each node alive whose identity was taken, so that no other ever has the same."""


def register() -> None:
    """Registers both plugins with Hydra; idempotent."""
    plugins = Plugins.instance()
    plugins.register(ProjectSource)
    plugins.register(ProjectSearchPath)
