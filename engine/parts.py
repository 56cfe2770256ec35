"""The three parts that are built from Go modules where no release can be had, and their recipes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine import cache, versions
from engine.workshop import Binary, Workshop

PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"

PULUMI = Binary(
    "pulumi",
    "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    stamp=f"{PULUMI_SDK}/go/common/version.Version={versions.PULUMI}",
    packages=1649,
    seconds=360,
)
PYTHON_HOST = Binary(
    "pulumi-language-python",
    "./cmd/pulumi-language-python",
    stamp=f"main.version={versions.PULUMI}",
    packages=10,
    seconds=15,
)
PYTHON_SCRIPTS = (
    # How the host starts a program, and the provider of dynamic resources: plain files of the SDK.
    "python/cmd/pulumi-language-python-exec",
    "python/dist/pulumi-resource-pulumi-python",
)
SCHEMA_WRITER = Binary("tfgen", "./cmd/tfgen", packages=1039, seconds=960)
PLUGIN = Binary("pulumi-resource-tencentcloud", "./cmd/provider", packages=10, seconds=60)
PEBBLE = Binary(
    "pebble",
    "github.com/letsencrypt/pebble/v2/cmd/pebble",
    stamp=f"main.version={versions.PEBBLE}",
    packages=212,
    seconds=15,
)


@dataclass(frozen=True)
class Part:
    """What one folder of Go sources under engine/ becomes."""

    name: str
    """The folder."""
    binaries: tuple[Binary, ...]
    """The programs that are kept."""
    build: Callable[[Workshop], None]
    scripts: tuple[str, ...] = ()
    """Files of a Go module that are kept beside them."""
    helpers: tuple[Binary, ...] = ()
    """Programs that only the build needs."""

    @property
    def files(self) -> list[str]:
        """What bin/ holds when the part is complete."""
        return [*(binary.name for binary in self.binaries), *(Path(path).name for path in self.scripts)]

    @property
    def seconds(self) -> int:
        """How long the build takes on two cores with nothing cached."""
        return sum(binary.seconds for binary in (*self.helpers, *self.binaries))

    @property
    def sources(self) -> Path:
        """The committed sources."""
        return cache.SOURCES / self.name

    @property
    def folder(self) -> Path:
        """Where it is built, named by content; ``bin/`` inside holds the result."""
        recipe = "\n".join([*(binary.recipe for binary in (*self.helpers, *self.binaries)), *self.scripts])
        return cache.folder() / f"{self.name}-{cache.key(self.sources, recipe)}"

    @property
    def bin(self) -> Path:
        """The folder of the programs."""
        return self.folder / "bin"

    @property
    def complete(self) -> bool:
        """Whether nothing is left to build."""
        return all((self.bin / name).exists() for name in self.files)


def _build_cli(workshop: Workshop) -> None:
    workshop.compile(PULUMI)
    workshop.compile(PYTHON_HOST)
    sdk = workshop.module_folder(PULUMI_SDK)
    for script in PYTHON_SCRIPTS:
        workshop.copy(sdk / script)


def _build_provider(workshop: Workshop) -> None:
    schema_writer = workshop.compile(SCHEMA_WRITER, into=workshop.sources)
    workshop.run(
        [str(schema_writer), "schema", "--skip-docs", "--out", "cmd/provider"],
        "write the plugin's schema",
        seconds=20,
    )
    workshop.compile(PLUGIN)


def _build_pebble(workshop: Workshop) -> None:
    workshop.compile(PEBBLE)


CLI = Part("cli", (PULUMI, PYTHON_HOST), _build_cli, scripts=PYTHON_SCRIPTS)
PROVIDER = Part("provider", (PLUGIN,), _build_provider, helpers=(SCHEMA_WRITER,))
PEBBLE_SERVER = Part("pebble", (PEBBLE,), _build_pebble)
