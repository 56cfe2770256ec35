"""What luodi is as a library, from its docstrings: ``python -m luodi.library > docs/library.md``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

import luodi

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "A whole site": ("Site", "Settings", "SettingsError", "Problem"),
        "Servers and records": (
            *("Cvm", "CvmSettings", "Lighthouse", "LighthouseSettings", "find_blueprint", "Account"),
            *("Preparation", "Scripts", "Records"),
        ),
        "Certificates": ("AcmeAccount", "Certificate", "CertificateSettings"),
        "Filing": (
            *("parse_icp", "parse_public_security", "parse_licence"),
            *("IcpNumber", "PublicSecurityNumber", "Licence", "NumberError"),
            *("FilingSettings", "stage", "Stage", "publication", "Publication", "deadlines", "Deadline", "Words"),
        ),
        "What nginx is given": (
            *("Renderer", "VirtualHost", "Static", "Spa", "Proxy", "Upstream", "MiniProgram"),
            *("Footer", "CertificateFiles", "Nginx", "RenderingError"),
        ),
    }
)
"""Every name of `luodi.__all__`, in the order that they are told in."""

_MEMBERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"Scripts": ("prepare",), "VirtualHost": ("name", "aliases"), "MiniProgram": ("hosts",), "Nginx": ()}
)
"""Of a class whose members are not all kept from one version to the next, those that are."""

_HEAD = """# As a library

What is on this page may be used by another program, and is kept from one version to the next; what is not may change.
The page is made from docstrings by `python -m luodi.library`; the tests fail when it is out of date.

## Install it

```sh
pip wheel --no-deps --wheel-dir dist .        # in a clone of luodi: dist/luodi-*.whl
pip install dist/luodi-*.whl                  # in the environment of your own program
```

The package has the types (`py.typed`), the templates, the `luodi` command and no rehearsal cloud: `make local` is a
clone's. It pins Pulumi's SDK and the Tencent Cloud provider to the versions that it is tested with; the engine finds
the provider's plugin by itself.

## Use it

[examples/library-site](../examples/library-site/README.md) declares a whole site beside resources of its own:

```python
{site}```

[examples/library-parts](../examples/library-parts/README.md) takes parts alone, and no engine: it judges a filing
number, says whether a domain may be served, and renders its nginx configuration with the footer.

- **Settings** come from the stack file (`Settings.from_stack()`), or from anywhere (`Settings.parse({{...}})`): the
  keys are those of [settings.md](settings.md).
- **Templates** are luodi's own, unless the program's folder has a `templates/`, or `Site(templates=...)` names one:
  each file there goes before luodi's of that name, which it reaches as `luodi/nginx/site.conf.j2`. See
  [nginx.md](nginx.md).
- **Commands** (`luodi filing`, `luodi render`, `luodi logs`...) work in any project with luodi's settings in its stack
  files.
- **Several sites** of one program need a name each: `Site("shop", ...)`, `Site("docs", ...)`.
- **mypy**: the provider's SDK is 40 MB of generated code, which mypy need not read:

  ```toml
  [[tool.mypy.overrides]]
  module = ["tencentcloud_iac_pulumi.*"]
  follow_imports = "skip"
  ```

Importing `luodi` imports nothing else; each name is imported when it is first asked for.
"""


def page(example: str) -> str:
    """The whole page, Markdown; `example` is the program that it shows."""
    parts = [_HEAD.format(site=example)]
    for title, names in GROUPS.items():
        parts.append(f"\n## {title}\n")
        parts += ["\n".join(("", *_entry(name))) + "\n" for name in names]
    return "".join(parts)


def _entry(name: str) -> Iterator[str]:
    what = getattr(luodi, name)
    yield f"### `{name}`"
    yield ""
    if _has_signature(what):
        yield from ("```python", f"{name}{_signature(what)}", "```", "")
    yield from _words(inspect.getdoc(what) or "")
    if isinstance(what, type):
        yield from _of_a_class(what)


def _has_signature(what: Any) -> bool:
    return not (isinstance(what, type) and issubclass(what, BaseModel | Enum | Exception))


def _of_a_class(what: type) -> Iterator[str]:
    made = what.__dict__.get("__init__")
    if made is not None and made.__doc__:
        yield ""
        yield from _words(inspect.getdoc(made) or "")
    if issubclass(what, BaseModel):
        yield from (
            "",
            f"Made by `{what.__name__}.model_validate({{...}})`; its keys are in [settings.md](settings.md).",
        )
    if issubclass(what, Enum):
        yield from ("", ", ".join(f"`{each.value}`" for each in what))
    outputs = [name for name, hint in inspect.get_annotations(what).items() if "Output[" in str(hint)]
    if outputs:
        yield from ("", f"Outputs: {', '.join(f'`{name}`' for name in outputs)}.")
    if members := list(_members(what)):
        yield from ("", *members)


def _members(what: type) -> Iterator[str]:
    if issubclass(what, BaseModel | Enum | Exception):
        return
    for name, raw in vars(what).items():
        if name.startswith("_") or name not in _MEMBERS.get(what.__name__, (name,)):
            continue
        if isinstance(raw, property) and raw.__doc__:
            yield f"- `.{name}`: {_first_paragraph(raw)}"
        elif inspect.isroutine(method := getattr(raw, "__func__", raw)):
            yield f"- `.{name}{_signature(method)}`: {_first_paragraph(method)}"


def _signature(what: Callable[..., Any]) -> str:
    """As it is called: without `self`, and with annotations as they are written."""
    signature = inspect.signature(what)
    parameters = [one for one in signature.parameters.values() if one.name not in ("self", "cls")]
    result = inspect.Signature.empty if isinstance(what, type) else signature.return_annotation
    if is_dataclass(what):
        parameters = [one for one in parameters if not one.name.startswith("_")]
    text = str(signature.replace(parameters=[_plain(one) for one in parameters], return_annotation=result))
    return _bare(text)


def _plain(parameter: inspect.Parameter) -> inspect.Parameter:
    """Without a default that only a program can read."""
    shown = parameter.default is inspect.Parameter.empty or isinstance(
        parameter.default, str | int | float | bool | tuple | None
    )
    return parameter if shown else parameter.replace(default=_Etc())


class _Etc:
    def __repr__(self) -> str:
        return "..."


def _bare(text: str) -> str:
    """`inspect` puts an annotation that is text between quotation marks."""
    return re.sub(r"""(: |-> )(['"])(.*?)\2(?=[,)]| = |$)""", r"\1\3", text)


def _first_paragraph(what: object) -> str:
    return " ".join((inspect.getdoc(what) or "").split("\n\n")[0].split()).replace("``", "`")


def _words(docstring: str) -> Iterator[str]:
    yield from docstring.replace("``", "`").splitlines()


if __name__ == "__main__":
    from pathlib import Path

    print(page(Path("examples/library-site/__main__.py").read_text("utf-8")), end="")
