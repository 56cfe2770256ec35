"""Where `luodi new` writes: into a new project's folder, or a project that is there."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from luodi.stackfiles import NoProject, project_file, project_folder, stack_folder
from luodi.starting.answers import Answers, Question
from luodi.starting.project import STACKS, first_files, project_files, project_name
from luodi.starting.stack import stack_file
from luodi.words import Language


@dataclass(frozen=True)
class Place:
    """A folder, and the one in it that has its stack files. `new` where it is no project yet."""

    folder: Path
    stacks: Path
    new: bool

    @classmethod
    def of(cls, directory: Path | None) -> Place:
        """`directory`, or, where none is named, the project that the current folder is in, or else that folder.

        Raises NoProject for a project that can't have luodi's stacks, and for a folder that is none and isn't empty.
        What is hidden, such as ``.git`` and ``.venv``, makes no folder full.
        """
        folder = (directory or Path()).resolve()
        if directory is None:
            with contextlib.suppress(NoProject):
                folder = project_folder(folder)
        if (folder / "Pulumi.yaml").is_file():
            return cls(folder, _stacks_of(folder), new=False)
        try:
            there = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        except FileNotFoundError:
            there = []
        except OSError as error:
            raise NoProject(f"{folder} can't be used: {error.strerror}; name another folder") from None
        if there:
            some = ", ".join(there[:3]) + (", ..." if len(there) > 3 else "")
            raise NoProject(f"{folder} is no Pulumi project, and has {some} in it; name a new folder or an empty one")
        return cls(folder, folder / STACKS, new=True)

    def file_of(self, stack: str) -> Path:
        """The stack's file."""
        return self.stacks / f"Pulumi.{stack}.yaml"

    def default(self, question: Question, known: Answers) -> str | None:
        """What is taken where nobody says otherwise; for a stack's name one that is free."""
        usual = question.default(known) if question.default else None
        if question.name != "stack" or usual is None:
            return usual
        named = project_name(known["domain"].partition(".")[0])
        names = itertools.chain((usual, named), (f"{named}-{number}" for number in itertools.count(2)))
        return next(name for name in names if not self.file_of(name).exists())

    def shown(self, path: Path) -> str:
        """A path in the folder as it is told."""
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else str(path)

    def files(self, answers: Answers, language: Language) -> Files:
        """What is to be written for these answers, the stack's file first. What is there already stays."""
        texts = {self.file_of(answers["stack"]): stack_file(answers, language)}
        if self.new:
            name = project_name(self.folder.name, answers["domain"])
            ignore = self.folder / ".gitignore"
            made = {self.folder / path: text for path, text in project_files(name).items()}
            texts |= {path: text for path, text in made.items() if path != ignore or not ignore.exists()}
        content, first = first_files(answers)
        folder = self.folder / content
        if _is_empty(folder):
            texts |= {folder / path: text for path, text in first.items()}
            return Files(texts, None)
        return Files(texts, content)


@dataclass(frozen=True)
class Files:
    """What is to be written, and the folder of the site's own files where that is there already."""

    texts: Mapping[Path, str]
    kept: str | None


def _stacks_of(project: Path) -> Path:
    runtime = project_file(project).get("runtime")
    name = runtime.get("name") if isinstance(runtime, dict) else runtime
    if name != "python":
        raise NoProject(f"{project / 'Pulumi.yaml'}: runs {name}, and luodi is a Python library; name another folder")
    return stack_folder(project)


def _is_empty(folder: Path) -> bool:
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
