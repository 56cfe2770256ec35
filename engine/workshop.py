"""One place where Go programs are built, resumably, and put in place whole."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine import running
from engine.progress import State

GO_ENVIRONMENT = {"GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
"""Whatever flags or workspace a user has would change what is built, or where from."""

_NETWORK = "Go could not reach its module proxy: check the network, or set one you can reach by `go env -w GOPROXY=`."
HINTS = {
    "no space left on device": "Free some disk (a whole build takes 10 GB), then run the same command again.",
    "server response:": "The Go module proxy (`go env GOPROXY`) refused a pinned version; another proxy may have it.",
    "dial tcp": _NETWORK,
    "i/o timeout": _NETWORK,
    "signal: killed": "The system killed the compiler, most likely for want of memory: 4 GB are needed.",
}


@dataclass(frozen=True)
class Binary:
    """One program that `go build` makes."""

    name: str
    package: str
    """Import path, or ./path within the part's module."""
    packages: int
    """How many Go packages are compiled when nothing is cached: the measure of progress."""
    seconds: int
    """How long that takes on two cores, downloads included."""
    stamp: str = ""
    """``variable=value`` that the linker sets, so that the program knows its version."""

    @property
    def link_flags(self) -> str:
        """The linker's options: no symbol table, no debug information, the version."""
        return f"-s -w -X {self.stamp}" if self.stamp else "-s -w"

    @property
    def recipe(self) -> str:
        """All that decides the result besides the sources."""
        return f"{self.name} {self.package} {self.link_flags}"


class Workshop:
    """Builds into ``folder``/bin from a copy of ``sources`` with the ``go`` command.

    The copy leaves the clone as it is: it may be read-only, and generated files go beside the
    sources. What is complete in bin/ is never built again, and Go's own cache keeps every package
    that was compiled, so work goes on where it was interrupted.
    """

    def __init__(self, sources: Path, folder: Path, go: Path) -> None:
        self.bin = folder / "bin"
        self.sources = folder / "src"
        self.log = folder / "build.log"
        self.go = go
        self.bin.mkdir(parents=True, exist_ok=True)
        shutil.copytree(sources, self.sources, dirs_exist_ok=True)

    def compile(self, binary: Binary, into: Path | None = None) -> Path:
        """Build ``binary`` unless it is there, and return its path."""
        target = (into or self.bin) / binary.name
        if target.exists():
            return target
        partial = _partial(target)
        flags = ["-v", "-trimpath", "-ldflags", binary.link_flags, "-o", str(partial)]
        self.run(
            [str(self.go), "build", *flags, binary.package],
            f"build {binary.name}",
            seconds=binary.seconds,
            state=Compiling(binary.packages),
        )
        partial.replace(target)
        return target

    def copy(self, file: Path) -> None:
        """Copy ``file`` into bin/ as a program."""
        target = self.bin / file.name
        partial = _partial(target)
        shutil.copyfile(file, partial)
        partial.chmod(0o755)
        partial.replace(target)

    def module_folder(self, module: str) -> Path:
        """Return where the files of a required Go module are, downloading it if need be."""
        command = [str(self.go), "mod", "download", "-json", module]
        answer = self.run(command, f"find {module}", seconds=5)
        return Path(json.loads("\n".join(answer))["Dir"])

    def run(
        self,
        command: list[str],
        title: str,
        *,
        seconds: float,
        state: Callable[[str | None], State] | None = None,
    ) -> list[str]:
        """Run ``command`` in the sources (see :func:`engine.running.run`)."""
        return running.run(
            command,
            title,
            log=self.log,
            seconds=seconds * 2 / max(2, os.cpu_count() or 2),
            folder=self.sources,
            environment=GO_ENVIRONMENT,
            state=state,
            hints=HINTS,
        )

    def tidy(self) -> None:
        """Drop what only the build needed."""
        shutil.rmtree(self.sources)


class Compiling:
    """Says how far `go build -v` has come, from the lines that it prints."""

    def __init__(self, packages: int) -> None:
        self.packages = packages
        self.downloaded = self.compiled = 0

    def __call__(self, line: str | None) -> State:
        """Take one line into account (None: nothing new) and return the state."""
        if line is not None and line.startswith("go: downloading "):
            self.downloaded += 1
        elif line is not None and line and not line.startswith(("go: ", "#", "\t", " ")):
            self.compiled += 1
        if not self.compiled:
            return State(f"{self.downloaded} modules downloaded" if self.downloaded else "reading modules")
        if self.compiled >= self.packages:
            return State("all packages compiled, linking")
        done = self.compiled / self.packages
        return State(f"{done:.0%} ({self.compiled} of {self.packages} packages compiled)", done)


def _partial(target: Path) -> Path:
    """Return the name under which ``target`` is written until it is whole."""
    return target.with_name(f".{target.name}.partial")
