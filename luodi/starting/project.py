"""The files that make a folder a project, and the first ones of a site."""

from __future__ import annotations

import re

import yaml

from luodi.rendering.templates import Templates
from luodi.starting.answers import Answers
from luodi.starting.stack import APP, APPLICATIONS, CONTENT

STACKS = "stacks"
"""Where a new project keeps its stack files."""

_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_MOST = 100


def project_name(*texts: str) -> str:
    """A name that Pulumi takes for a project (sdk/go/common/tokens/project.go), of the first text that makes one."""
    found = (_NO_NAME.sub("-", text).strip("-.")[:_MOST] for text in texts)
    return next(filter(None, found), "site")


def project_files(name: str) -> dict[str, str]:
    """What `pulumi up` needs besides stack files, by path. luodi itself is in the project's virtual environment."""
    templates = Templates()
    project = {
        "name": name,
        "description": "A site on a mainland China server, by luodi",
        "runtime": {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}},
        "stackConfigDir": STACKS,
    }
    return {
        "Pulumi.yaml": yaml.safe_dump(project, sort_keys=False),
        "__main__.py": templates.source("start/__main__.py"),
        ".gitignore": templates.source("start/gitignore"),
    }


def first_files(answers: Answers) -> tuple[str, dict[str, str]]:
    """The folder of the site's files or of its application, and what is in it at first, by name."""
    templates, kind = Templates(), answers["kind"]
    folder = APP if kind in APPLICATIONS else CONTENT
    if kind == "mini-program":
        return folder, {"server.js": templates.source("start/mini-program.js")}
    page = templates.page("start/index.html", title=answers["title"], domain=answers["domain"], folder=folder)
    files = {"index.php" if kind == "php" else "index.html": page, "style.css": templates.source("start/style.css")}
    if kind in APPLICATIONS:
        files["server.js"] = templates.source("start/server.js")
    return folder, files
