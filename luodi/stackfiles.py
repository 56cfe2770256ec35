"""The project's stack files, read without an engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from luodi.problems import Problem, SettingsError
from luodi.settings import NAMESPACE, Settings, sections
from luodi.settings.flat import structured


class NoProject(Exception):
    """A folder that is in no Pulumi project, a project without the stack that was asked for, or a stack file that
    can't be right."""


@dataclass(frozen=True)
class StackFile:
    """A stack's file, judged: `settings`, or the `problems` that it has instead."""

    stack: str
    path: Path
    settings: Settings | None
    problems: tuple[Problem, ...] = ()

    @property
    def trouble(self) -> str:
        """The file and each of its problems, a line each."""
        return "\n  ".join((f"{self.path}:", *map(str, self.problems)))

    def judged(self) -> Settings:
        """Its settings. Raises NoProject with its problems."""
        if self.settings is None:
            raise NoProject(self.trouble)
        return self.settings


def project_folder(start: Path) -> Path:
    """The nearest folder, from `start` upward, that has a ``Pulumi.yaml``. Raises NoProject."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / "Pulumi.yaml").is_file():
            return folder
    raise NoProject(f"{start.resolve()}: no Pulumi.yaml here or above; run it in the project's folder, or use --cwd")


def stack_files(project: Path, today: date) -> list[StackFile]:
    """Every stack file of the project, by name; there is one at least. Raises NoProject."""
    paths = stack_paths(project)
    if not paths:
        folder = stack_folder(project)
        raise NoProject(f"{folder}: the project has no stack files (Pulumi.<stack>.yaml); `luodi new` writes one")
    return [_read(stack, path, today) for stack, path in paths.items()]


def stack_paths(project: Path) -> dict[str, Path]:
    """The file of every stack, by the stack's name, unread. Raises NoProject."""
    folder = stack_folder(project)
    try:
        found = sorted(path for path in folder.iterdir() if path.match("Pulumi.*.yaml"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise NoProject(f"{folder}: can't be read: {error.strerror}") from None
    return {path.name.removeprefix("Pulumi.").removesuffix(".yaml"): path for path in found}


def stack_folder(project: Path) -> Path:
    """Where the project keeps its stack files. Raises NoProject."""
    return project / str(project_file(project).get("stackConfigDir", "."))


def project_file(project: Path) -> dict[str, Any]:
    """What the project's ``Pulumi.yaml`` says. Raises NoProject."""
    path = project / "Pulumi.yaml"
    try:
        return mapping_of(path)
    except NoProject as error:
        raise NoProject(f"{path}: {error}") from None


def choose(files: list[StackFile], stack: str | None) -> StackFile:
    """The stack of that name, or the only one there is. Raises NoProject."""
    names = ", ".join(file.stack for file in files)
    matching = [file for file in files if stack in (None, file.stack)]
    if len(matching) == 1:
        return matching[0]
    if stack is None:
        raise NoProject(f"which stack? Name one by --stack: {names}")
    raise NoProject(f"there is no stack {stack}; there are: {names}")


def selected(files: list[StackFile], stack: str | None) -> list[StackFile]:
    """The stack of that name, or where none is named all of them. Raises NoProject."""
    return [choose(files, stack)] if stack else files


def configuration(path: Path) -> dict[str, Any]:
    """What a stack's file says, with each key that leads into a section (``luodi:site.domain``) inside it.

    Raises NoProject.
    """
    return structured(_config(path), NAMESPACE, sections())[0]


def _config(path: Path) -> dict[str, Any]:
    config = mapping_of(path).get("config") or {}
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise NoProject("config is no mapping of settings")
    return config


def _read(stack: str, path: Path, today: date) -> StackFile:
    try:
        settings = Settings.parse(_config(path), source=str(path), today=today)
    except SettingsError as error:
        return StackFile(stack, path, None, tuple(error.problems))
    except NoProject as error:
        return StackFile(stack, path, None, (Problem(path.name, str(error)),))
    return StackFile(stack, path, settings)


def mapping_of(path: Path) -> dict[str, Any]:
    """A YAML file's mapping, as it stands there. Raises NoProject."""
    try:
        read = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506  # a safe one
    except OSError as error:
        raise NoProject(f"can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise NoProject(f"is not UTF-8: line {line}; save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise NoProject(f"is no YAML: {' '.join(_lines(error))}") from None
    except RecursionError:
        raise NoProject("is nested too deep for any setting") from None
    if read is None:
        return {}
    if not isinstance(read, dict):
        raise NoProject("is no mapping of settings")
    return read


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice, as YAML does and the engine, and half of a character, which no file holds."""

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        """The text that is here. Raises ComposerError."""
        node: yaml.ScalarNode = super().compose_scalar_node(anchor)
        if any("\ud800" <= char <= "\udfff" for char in node.value):
            problem = f"{ascii(node.value)[:60]} has half of a surrogate pair; write the character itself"
            raise yaml.composer.ComposerError(None, None, problem, node.start_mark)
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """The mapping that begins here. Raises ComposerError."""
        node = super().compose_mapping_node(anchor)
        first: dict[str, yaml.ScalarNode] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and first.setdefault(key.value, key) is not key:
                line = first[key.value].start_mark.line + 1
                problem = f"{key.value} is there already, in line {line}; keep one of them"
                raise yaml.composer.ComposerError(None, None, problem, key.start_mark)
        return node


def _lines(error: yaml.YAMLError) -> Iterator[str]:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        yield f"line {error.problem_mark.line + 1}:"
        yield error.problem or ""
    else:
        yield str(error)
