"""Which way each part of the engine comes: what is there, the official release, or a build."""

import http.server
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine import cache, environment, golang, parts, provide, release, resolve, versions
from engine.errors import EngineError
from engine.parts import Part
from engine.workshop import Binary, Workshop

PLUGIN = "pulumi-resource-tencentcloud"
HOST_FILES = ["pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"]

FAKE_PULUMI = f"""
if [ "$*" = "plugin install resource tencentcloud {versions.PLUGIN} --server {versions.PLUGIN_SERVER}" ]; then
    folder="$PULUMI_HOME/plugins/resource-tencentcloud-v{versions.PLUGIN}"
    mkdir -p "$folder" && touch "$folder/{PLUGIN}"
elif [ "$*" = version ]; then
    echo v{versions.PULUMI}
else
    echo "unexpected: $*" >&2; exit 1
fi
"""
INSTALLER = f"""
[ "$1 $2 $3 $5" = "--version {versions.PULUMI} --install-root --no-edit-path" ] || exit 1
mkdir -p "$4/bin" && cd "$4/bin"
cat > pulumi <<'END'
#!/bin/sh
{FAKE_PULUMI}
END
touch {" ".join(HOST_FILES)} && chmod +x ./*
"""


@pytest.fixture
def bare(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has nothing of the engine; a folder of its PATH is returned."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    # As in a shell that was never led to an engine.
    monkeypatch.delenv("PULUMI_CREDENTIALS_PATH", raising=False)
    return folder


@pytest.fixture
def tiny_parts(
    bare: Path, go: Path, go_module: Callable[[dict[str, str]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts that build in no time stand for the engine's; every other step is the real one."""
    main = 'package main\n\nfunc main() { print("UNIQUE") }\n'
    folder = go_module({"cli/main.go": main, "provider/main.go": main, "pebble/main.go": main})
    for name in ("cli", "provider", "pebble"):
        folder.joinpath(name, "go.mod").write_text("module example.test/tiny\n\ngo 1.26\n")

    def part(name: str, *programs: str) -> Part:
        binaries = tuple(Binary(program, ".", packages=1, seconds=1) for program in programs)

        def build(workshop: Workshop) -> None:
            for binary in binaries:
                workshop.compile(binary)

        return Part(name, binaries, build)

    monkeypatch.setattr(cache, "SOURCES", folder)
    monkeypatch.setattr(resolve, "CLI", part("cli", "pulumi", *HOST_FILES))
    monkeypatch.setattr(resolve, "PROVIDER", part("provider", PLUGIN))
    monkeypatch.setattr(resolve, "PEBBLE_SERVER", part("pebble", "pebble"))
    monkeypatch.setattr(golang, "find", lambda sources: go)


@contextmanager
def served(text: str) -> Iterator[str]:
    """An HTTP server on loopback that answers everything with ``text``."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@contextmanager
def closed_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything outside is reached through a proxy that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name in ("https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        yield


def test_a_bare_machine_has_nothing(bare: Path) -> None:
    engine = resolve.find()
    assert (engine.pulumi, engine.plugin, engine.pebble) == (None, None, None)
    with pytest.raises(EngineError, match=r"missing: pulumi 3\.250\.0 with its Python host, .*\n.*make engine"):
        environment.variables(engine)


@pytest.mark.parametrize(
    ("printed", "files", "fits"),
    [
        ("v3.250.0", HOST_FILES, True),
        ("v3.300.1", HOST_FILES, True),
        ("v3.100.0", HOST_FILES, False),
        ("v4.0.0", HOST_FILES, False),
        ("nonsense", HOST_FILES, False),
        ("v3.250.0", HOST_FILES[:1], False),
    ],
)
def test_pulumi_on_path_must_fit_and_host_python(
    printed: str, files: list[str], fits: bool, bare: Path, program: Callable[..., Path]
) -> None:
    program("pulumi", f"echo {printed}")
    for name in files:
        program(name, "exit 0")
    found = resolve.find().pulumi
    assert (found is not None) is fits
    if found:
        assert (found.program, found.origin) == (bare / "pulumi", "on PATH")


def test_a_pebble_without_a_version_does_not_fit(bare: Path, program: Callable[..., Path]) -> None:
    program("pebble", "echo 'Pebble version: dev'")
    assert resolve.find().pebble is None
    program("pebble", f"echo 'Pebble version: {versions.PEBBLE}'")
    assert resolve.find().pebble is not None


@pytest.mark.parametrize("evaluated", [False, True], ids=["new shell", "shell set for a built engine"])
def test_the_release_is_taken_where_it_can_be_had(
    evaluated: bool,
    tiny_parts: None,
    own_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if evaluated:
        monkeypatch.setenv("PULUMI_HOME", str(own_cache / "home-of-old"))
        monkeypatch.setenv("PULUMI_CREDENTIALS_PATH", str(tmp_path / "home"))
    with served(INSTALLER) as address:
        monkeypatch.setattr(release, "INSTALLER", address)
        monkeypatch.setattr(release, "PLUGIN_HOST", address)
        engine = resolve.provide()
    assert engine.pulumi
    assert engine.plugin
    assert engine.pebble
    assert (engine.pulumi.origin, engine.plugin.origin, engine.pebble.origin) == ("release", "installed", "built")
    assert engine.plugin.program.is_relative_to(tmp_path / "home")
    said = capfd.readouterr().err
    assert "Pulumi's release was downloaded" in said
    assert "the plugin's release was downloaded" in said
    settings = environment.variables(engine)
    assert settings["PULUMI_HOME"] == str(tmp_path / "home"), "the official plugin is among the user's own"
    assert settings["PATH"].startswith(f"{engine.pulumi.program.parent}:{engine.pebble.program.parent}:")
    assert resolve.provide() == engine
    assert capfd.readouterr().err == "", "the second time there is nothing to do"


def test_a_closed_network_costs_seconds_and_is_said(
    tiny_parts: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert release.CONNECT_SECONDS <= 5
    monkeypatch.setattr(release, "CONNECT_SECONDS", 1)
    started = time.monotonic()
    with closed_network(monkeypatch):
        engine = resolve.provide()
    assert time.monotonic() - started < 20
    assert engine.pulumi
    assert engine.plugin
    assert (engine.pulumi.origin, engine.plugin.origin) == ("built", "built")
    said = capfd.readouterr().err
    assert said.index("Pulumi's release can't be downloaded (curl: (28)") < said.index("build pulumi: done")
    assert said.index("the plugin's release can't be downloaded (curl: (28)") < said.index(f"build {PLUGIN}: done")


def test_an_installer_that_fails_is_shown_and_leaves_nothing(
    tiny_parts: None, own_cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with served("echo no such version; exit 3") as address:
        monkeypatch.setattr(release, "INSTALLER", address)
        monkeypatch.setattr(release, "PLUGIN_HOST", address)
        engine = resolve.provide()
    assert engine.pulumi
    assert engine.pulumi.origin == "built"
    assert "no such version" in capfd.readouterr().err
    assert not release.folder().exists()
    assert not list(own_cache.glob(".release-*"))


def test_from_source_asks_nobody(
    tiny_parts: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with served(INSTALLER) as address:
        monkeypatch.setattr(release, "INSTALLER", address)
        engine = resolve.provide(from_source=True)
    assert engine.pulumi
    assert engine.pulumi.origin == "built"
    assert "release" not in capfd.readouterr().err


def test_a_built_plugin_is_kept_apart_from_the_users_own(
    tiny_parts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = resolve.provide(from_source=True)
    settings = environment.variables(engine)
    home = Path(settings["PULUMI_HOME"])
    assert home != tmp_path / "home"
    plugin = home / "plugins" / f"resource-tencentcloud-v{versions.PLUGIN}" / PLUGIN
    assert engine.plugin
    assert plugin.resolve() == engine.plugin.program
    assert settings["PULUMI_CREDENTIALS_PATH"] == str(tmp_path / "home")
    assert settings["PULUMI_IGNORE_AMBIENT_PLUGINS"] == "true"
    assert settings["PULUMI_SKIP_UPDATE_CHECK"] == "true"
    # Evaluated a second time, in a shell where all of that is set, nothing changes.
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert environment.variables(resolve.find()) == settings


def test_pebble_alone_is_built_at_once_and_kept(tiny_parts: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert provide.main(["--pebble"]) == 0
    first = capfd.readouterr()
    assert "build pebble: done" in first.err
    found = resolve.find()
    assert (found.pulumi, found.plugin) == (None, None)
    assert found.pebble
    assert first.out == f"{found.pebble.program}\n"
    assert provide.main(["--pebble"]) == 0
    assert capfd.readouterr() == (first.out, "")


def test_a_shell_reads_what_is_printed(tmp_path: Path) -> None:
    awkward = f'{tmp_path}/it\'s a "folder" $HOME'
    lines = environment.shell({"ONE": awkward})
    shown = subprocess.run(["sh", "-c", f'{lines}printf %s "$ONE"'], capture_output=True, text=True, check=True)
    assert shown.stdout == awkward


def test_no_go_says_what_is_there_and_where_to_get_it(
    bare: Path, program: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = program("go", "echo go version go1.19.8 linux/amd64")
    monkeypatch.setattr(golang, "_candidates", lambda: [old])
    monkeypatch.setattr("engine.packages.candidate", lambda name: "1.19~1")
    with pytest.raises(EngineError) as raised:
        golang.find(parts.PEBBLE_SERVER.sources)
    assert f"{old}: go version go1.19.8 linux/amd64" in str(raised.value)
    assert "https://go.dev/dl/" in str(raised.value)


def test_scripts_of_the_repository_can_be_run() -> None:
    for script in ("engine/provide.py", ".ci/run"):
        assert (cache.SOURCES.parent / script).stat().st_mode & stat.S_IXUSR
