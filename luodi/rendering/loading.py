"""Where templates are found, a team's own before the ones that luodi comes with; and what is wrong with one of them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes

from luodi.rendering.errors import TemplateError

OWN = "own"
"""The folder of ``templates/`` for a team's own where that is luodi's, as in a clone of it."""


def shipped_templates() -> Path:
    """The templates that luodi comes with: the project's, or, in an installed luodi, the package's own."""
    package = Path(__file__).parent.parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def own_places(folder: Path | None) -> tuple[Path, ...]:
    """Where a team's own templates may be, the first to be looked into first."""
    return () if folder is None else (folder / OWN, folder)


def is_shipped(file: Path) -> bool:
    """Whether a file is luodi's."""
    shipped, path = shipped_templates().resolve(), file.resolve()
    return path.is_relative_to(shipped) and not path.is_relative_to(shipped / OWN)


def template_loader(folder: Path | None, below: str = "") -> jinja2.BaseLoader:
    """The templates of a team's `folder`, and for what it lacks, or where there is no such folder, those shipped.

    They are named as they are `below` a folder of it; ``luodi/`` before a whole name is always the one shipped.
    """
    shipped = shipped_templates()
    places = [*own_places(folder), shipped]
    return jinja2.ChoiceLoader([_Judged(places, below), jinja2.PrefixLoader({"luodi": _Judged([shipped])})])


def rendered(environment: jinja2.Environment, template: str, values: Mapping[str, Any]) -> str:
    """A template's text. Raises TemplateError, with the file and the line that is wrong."""
    try:
        return environment.get_template(template).render(values)
    except jinja2.TemplateSyntaxError as error:
        file = error.filename or error.name or template
        raise TemplateError(error.message or "syntax error", file, error.lineno) from None
    except Exception as error:
        missing = isinstance(error, jinja2.TemplateNotFound)
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".j2")]
        file, line = (frames[-1].filename, frames[-1].lineno) if frames else (template, None)
        raise TemplateError(f"there is no template {error}" if missing else str(error), file, line) from error


class _Judged(jinja2.FileSystemLoader):
    """Refuses what Jinja would fail on without a word of where, or pass over in silence."""

    def __init__(self, places: Sequence[Path], below: str = "") -> None:
        super().__init__([place / below for place in places])
        self._places = places

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        try:
            source, filename, uptodate = super().get_source(environment, template)
        except UnicodeDecodeError as error:
            file = next(path for place in self.searchpath if (path := Path(place, template)).is_file())
            line = file.read_bytes().count(b"\n", 0, error.start) + 1
            raise jinja2.TemplateSyntaxError("is not UTF-8; save it as UTF-8", line, template, str(file)) from None
        if "extends" in source:
            self._judge(environment, environment.parse(source, template, filename), template, Path(filename))
        return source, filename, uptodate

    def _judge(self, environment: jinja2.Environment, tree: nodes.Template, template: str, file: Path) -> None:
        """Look at a template that changes another one."""
        extends = next(tree.find_all(nodes.Extends))
        parent = self._parent(tree)
        if parent is None:
            return
        if parent.samefile(file):
            raise jinja2.TemplateSyntaxError(self._itself(file), extends.lineno, template, str(file))
        if is_shipped(file):
            return
        known = self._blocks(environment, parent)
        for block in tree.body:
            if isinstance(block, nodes.Block) and block.name not in known:
                raise jinja2.TemplateSyntaxError(
                    f"there is no block {block.name} in {extends.template.as_const()}, which has "
                    f"{', '.join(sorted(known)) or 'none'}",
                    block.lineno,
                    template,
                    str(file),
                )

    def _parent(self, tree: nodes.Template) -> Path | None:
        """The file that a template extends, where that is said by a name of one."""
        extends = next(tree.find_all(nodes.Extends), None)
        if extends is None or not isinstance(extends.template, nodes.Const):
            return None
        name = str(extends.template.value)
        shipped = [shipped_templates() / name.removeprefix("luodi/")] if name.startswith("luodi/") else []
        every = [*(Path(place, name) for place in self.searchpath), *shipped]
        return next((path for path in every if path.is_file()), None)

    def _blocks(self, environment: jinja2.Environment, file: Path) -> set[str]:
        """The blocks of a template, those of the ones that it extends among them."""
        found: set[str] = set()
        seen: set[Path] = set()
        parent: Path | None = file
        while parent is not None and parent not in seen:
            seen.add(parent)
            tree = environment.parse(parent.read_text("utf-8"), None, str(parent))
            found |= {block.name for block in tree.find_all(nodes.Block)}
            parent = self._parent(tree)
        return found

    def _itself(self, file: Path) -> str:
        place = next(place for place in self._places if file.is_relative_to(place))
        path = file.relative_to(place).as_posix()
        if is_shipped(file):
            return (
                f"extends itself: in a clone of luodi this is luodi's own. Put yours at templates/{OWN}/{path}, and "
                "this one back (git restore)"
            )
        return f'extends itself; the one that luodi ships is "luodi/{path}"'
