"""The engine that this machine has, by its own doors: versions, plugins, dependencies, a preview."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from engine import cache, environment, parts, resolve, versions
from tests.engine.wheels import make_wheel

pytestmark = pytest.mark.slow


class Project:
    """A small Pulumi project, its state and its home apart from everything else's."""

    def __init__(self, folder: Path, virtualenv: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        options = {"toolchain": "pip", "virtualenv": str(virtualenv)}
        runtime = {"name": "tiny", "runtime": {"name": "python", "options": options}}
        self.write("Pulumi.yaml", json.dumps(runtime))  # JSON is YAML
        self.write("__main__.py", "")
        (folder / "state").mkdir()
        self.settings = {
            **os.environ,
            **settings,
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
        }

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def pulumi(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env={**self.settings, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done


@contextmanager
def language_host(settings: Mapping[str, str]) -> Iterator[Any]:
    """Pulumi's Python host, asked as the engine asks it."""
    program = shutil.which("pulumi-language-python", path=settings["PATH"])
    assert program
    environment = {**os.environ, **settings}
    with subprocess.Popen([program], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield language_pb2_grpc.LanguageRuntimeStub(channel)
        process.terminate()


@pytest.fixture(scope="session")
def provided() -> dict[str, str]:
    """The variables that lead to this machine's engine; `make engine` provides it."""
    return environment.variables()


@pytest.fixture
def bare_venv(tmp_path: Path) -> Path:
    """A virtual environment without any package."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    return tmp_path / "venv"


@pytest.fixture
def project(tmp_path: Path, provided: dict[str, str]) -> Project:
    """A project that uses the environment of these tests."""
    return Project(tmp_path / "project", Path(sys.prefix), provided)


def test_every_program_is_of_its_version(provided: dict[str, str]) -> None:
    engine = resolve.find()
    for found, arguments, wanted in (
        (engine.pulumi, ["version"], versions.PULUMI),
        (engine.plugin, ["--version"], versions.PLUGIN),
        (engine.pebble, ["-version"], versions.PEBBLE),
    ):
        assert found
        printed = subprocess.run([found.program, *arguments], env=provided, capture_output=True, text=True, check=True)
        assert versions.parse(printed.stdout) == versions.parse(wanted)


def test_programs_on_path_are_found_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = resolve.find()
    assert engine.pulumi
    assert engine.plugin
    assert engine.pebble
    folders = {found.program.parent for found in (engine.pulumi, engine.plugin, engine.pebble)}
    monkeypatch.setenv("LUODI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "nothing"))
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, folders), "/usr/bin", "/bin"]))
    elsewhere = resolve.find()
    for before, after in (
        (engine.pulumi, elsewhere.pulumi),
        (engine.plugin, elsewhere.plugin),
        (engine.pebble, elsewhere.pebble),
    ):
        assert after
        assert (after.program, after.version, after.origin) == (before.program, before.version, "on PATH")
    settings = environment.variables(elsewhere)
    assert settings["PATH"] == os.environ["PATH"]
    listed = subprocess.run(
        ["pulumi", "plugin", "ls", "--json"], env={**os.environ, **settings}, capture_output=True, text=True, check=True
    )
    assert [(plugin["name"], plugin["version"]) for plugin in json.loads(listed.stdout)] == [("tencentcloud", "0.2.3")]
    assert "warning" not in listed.stderr


def test_about_knows_the_python_and_its_packages(project: Project) -> None:
    about = json.loads(project.pulumi("about", "--json").stdout)
    assert about["runtime"]["language"] == "python"
    assert about["runtime"]["executable"] == f"{sys.prefix}/bin/python"
    assert about["runtime"]["version"] == platform.python_version()
    assert about["runtime"]["pulumi"] == versions.PULUMI
    plugins = {plugin["name"]: plugin["version"] for plugin in about["plugins"]}
    assert plugins == {"python": versions.PULUMI, "tencentcloud": versions.PLUGIN}
    packages = {package["name"]: package["version"] for package in about["dependencies"]}
    assert packages["tencentcloud-iac-pulumi"] == versions.PLUGIN
    everything = json.loads(project.pulumi("about", "--json", "--transitive").stdout)["dependencies"]
    assert {"name": "pulumi", "version": versions.PULUMI} in everything


def test_plugins_follow_from_the_installed_packages(tmp_path: Path, bare_venv: Path, provided: dict[str, str]) -> None:
    manifests = {
        ("pulumi-named", "1.2.3"): {"resource": True, "name": "other-name", "server": "https://plugins.test"},
        ("pulumi-derived", "2.0.0rc1"): {"resource": True},
        ("pulumi-own-version", "9.9.9"): {"resource": True, "name": "own", "version": "3.1.0"},
        ("pulumi-patched", "4.5.6.post2"): {"resource": True, "name": "patched"},
        ("pulumi-developed", "0.0.1.dev7"): {"resource": True, "name": "developed"},
        ("pulumi-library", "1.0.0"): {"resource": False, "name": "library"},
        ("unrelated", "1.0.0"): None,
    }
    packages = sysconfig.get_path("purelib", vars={"base": str(bare_venv)})
    for (name, version), manifest in manifests.items():
        module = name.replace("-", "_")
        files = {f"{module}/__init__.py": ""}
        if manifest is not None:
            files[f"{module}/pulumi-plugin.json"] = json.dumps(manifest)
        wheel = make_wheel(tmp_path / "wheels", name, version, files)
        subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, packages], check=True)
    with language_host(provided) as host:
        info = language_pb2.ProgramInfo(root_directory=str(tmp_path), program_directory=str(tmp_path), entry_point=".")
        info.options.update({"virtualenv": str(bare_venv), "toolchain": "pip"})
        answer = host.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info))
    assert {package.kind for package in answer.packages} == {"resource"}
    assert {package.name: (package.version, package.server) for package in answer.packages} == {
        "other-name": ("1.2.3", "https://plugins.test"),
        "derived": ("2.0.0-rc.1", ""),
        "own": ("3.1.0", ""),
        "patched": ("4.5.6", ""),
        "developed": ("", ""),
    }


def test_install_makes_the_environment_from_the_requirements(tmp_path: Path, provided: dict[str, str]) -> None:
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "probe", "1.2.3", {"probe.py": "WORD = 'installed'\n"})
    for tool in ("setuptools", "wheel"):  # which Pulumi installs into every new environment
        make_wheel(wheels, tool, "0.0.1")
    project = Project(tmp_path / "project", tmp_path / "made", provided)
    project.write("requirements.txt", "probe==1.2.3\n")
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}
    done = project.pulumi("install", **index)
    assert "Creating virtual environment" in done.stdout
    assert "Successfully installed probe-1.2.3" in done.stdout
    python = tmp_path / "made" / "bin" / "python"
    shown = subprocess.run(
        [python, "-c", "import probe; print(probe.WORD)"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "installed\n"
    dependencies = json.loads(project.pulumi("about", "--json").stdout)["dependencies"]
    assert {"name": "probe", "version": "1.2.3"} in dependencies


def test_a_preview_neither_downloads_nor_warns(project: Project) -> None:
    project.write(
        "__main__.py",
        "import tencentcloud_iac_pulumi as tencentcloud\n"
        "tencentcloud.vpc.Instance('net', name='net', cidr_block='10.0.0.0/16')\n",
    )
    project.pulumi("stack", "init", "test")
    nowhere = {
        "TENCENTCLOUD_SECRET_ID": "id",
        "TENCENTCLOUD_SECRET_KEY": "key",
        "TENCENTCLOUD_REGION": "ap-guangzhou",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    done = project.pulumi("preview", "--stack", "test", **nowhere)
    assert "tencentcloud:Vpc:Instance" in done.stdout
    assert "+ 2 to create" in done.stdout
    for word in ("warning", "ownload", "upgrade"):
        assert word not in done.stdout + done.stderr


def test_a_program_that_fails_is_told_once_and_a_missing_environment_with_its_cure(
    project: Project, tmp_path: Path, provided: dict[str, str]
) -> None:
    project.write("__main__.py", "raise RuntimeError('no site today')\n")
    project.pulumi("stack", "init", "test")
    command = ["pulumi", "preview", "--stack", "test", "--non-interactive", "--color=never"]
    failed = subprocess.run(
        command, cwd=project.folder, env=project.settings, capture_output=True, text=True, check=False
    )
    assert failed.returncode != 0
    assert (failed.stdout + failed.stderr).count("RuntimeError: no site today") == 1
    homeless = Project(tmp_path / "homeless", tmp_path / "absent", provided)
    homeless.pulumi("stack", "init", "test")
    failed = subprocess.run(
        command, cwd=homeless.folder, env=homeless.settings, capture_output=True, text=True, check=False
    )
    assert failed.returncode != 0
    assert "python3 -m venv" in failed.stdout + failed.stderr


def test_every_resource_of_a_built_plugin_is_one_of_the_python_package(project: Project) -> None:
    schema = json.loads(project.pulumi("package", "get-schema", "tencentcloud").stdout)
    package = Path(sysconfig.get_path("purelib"), "tencentcloud_iac_pulumi")
    known: set[str] = set()
    for module in package.rglob("*.py"):
        known.update(re.findall(r"'(tencentcloud:[^']+)'", module.read_text(encoding="utf-8")))
    assert len(schema["resources"]) > 50
    assert set(schema["resources"]) <= known


def test_the_command_shows_and_sets_the_engine(provided: dict[str, str]) -> None:
    script = cache.SOURCES / "provide.py"
    checked = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in checked.stdout.splitlines()] == ["pulumi", "plugin", "pebble"]
    programs = ["pulumi", "pebble", "pulumi-language-python"]
    shell = f'eval "$({sys.executable} {script} --env)"; for p in {" ".join(programs)}; do command -v $p; done'
    shown = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True, cwd="/")
    assert [Path(line).name for line in shown.stdout.split()] == programs


def test_the_pins_agree_with_the_lock() -> None:
    lock = (cache.SOURCES.parent / "requirements.txt").read_text(encoding="utf-8")
    assert f"\npulumi=={versions.PULUMI} " in lock
    assert f"\ntencentcloud-iac-pulumi=={versions.PLUGIN} " in lock
    assert f"github.com/pulumi/pulumi/pkg/v3 v{versions.PULUMI}\n" in (parts.CLI.sources / "go.mod").read_text()
    assert (
        f"github.com/letsencrypt/pebble/v2 v{versions.PEBBLE}\n" in (parts.PEBBLE_SERVER.sources / "go.mod").read_text()
    )
    information = (parts.PROVIDER.sources / "info" / "info.go").read_text()
    assert f'Version = "{versions.PLUGIN}"' in information
