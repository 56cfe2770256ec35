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
    """Every stack file of the project, by name. Raises NoProject."""
    return [_read(stack, path, today) for stack, path in stack_paths(project).items()]


def stack_paths(project: Path) -> dict[str, Path]:
    """The file of every stack, by the stack's name, unread. Raises NoProject."""
    found = sorted(stack_folder(project).glob("Pulumi.*.yaml"))
    return {path.name.removeprefix("Pulumi.").removesuffix(".yaml"): path for path in found}


def stack_folder(project: Path) -> Path:
    """Where the project keeps its stack files. Raises NoProject."""
    return project / str(mapping_of(project / "Pulumi.yaml").get("stackConfigDir", "."))


def choose(files: list[StackFile], stack: str | None) -> StackFile:
    """The stack of that name, or the only one there is. Raises NoProject."""
    names = ", ".join(file.stack for file in files) or "none"
    matching = [file for file in files if stack in (None, file.stack)]
    if len(matching) == 1:
        return matching[0]
    if stack is None:
        raise NoProject(f"which stack? Name one by --stack: {names}")
    raise NoProject(f"there is no stack {stack}; there are: {names}")


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
        read = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise NoProject(f"can't be read: {error}") from None
    except yaml.YAMLError as error:
        raise NoProject(f"is no YAML: {' '.join(_lines(error))}") from None
    if read is None:
        return {}
    if not isinstance(read, dict):
        raise NoProject("is no mapping of settings")
    return read


def _lines(error: yaml.YAMLError) -> Iterator[str]:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        yield f"line {error.problem_mark.line + 1}:"
        yield error.problem or ""
    else:
        yield str(error)
