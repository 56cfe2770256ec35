#!/usr/bin/env python3
"""Find or provide the Pulumi engine: pulumi, its Python host, the tencentcloud plugin, pebble.

Each part is taken from the cache or PATH in a fitting version, else downloaded as an official
release, else built from the Go modules that engine/ pins. Nothing outside the cache
(${LUODI_CACHE:-${XDG_CACHE_HOME:-~/.cache}/luodi}) and Go's own is written, except that the
official plugin goes where Pulumi keeps plugins.
"""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 -- run by whatever python3 a machine has
    sys.exit(f"engine: Python {sys.version.split()[0]} is too old: 3.11 or newer is needed")

if not __package__:
    # Run as a script, this file's own folder is where Python looks for modules: look beside it.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from engine import cache, environment, packages, resolve, vet, virtualenv
from engine.errors import EngineError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(arguments)
    return interruptible(lambda: _run(options))


def interruptible(work: Callable[[], object]) -> int:
    """Do ``work`` and return its exit code; say what went wrong, or that it can be gone on with."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        work()
    except EngineError as error:
        print(f"engine: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"engine: {error.filename or 'a program'}: {error.strerror or error}.\n"
            f"  The engine is kept in {cache.root()}; LUODI_CACHE names another folder.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("engine: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def _run(options: argparse.Namespace) -> None:
    if options.check:
        _check()
    elif options.packages:
        tests = (*packages.BROWSER, *packages.LOAD, *packages.BROTLI) if options.browser else ()
        packages.require((*packages.NEEDED, *tests))
    elif options.virtualenv:
        virtualenv.make(options.virtualenv, cache.SOURCES.parent / "requirements-dev.txt")
    elif options.vet:
        vet.vet()
    elif options.uv:
        print(virtualenv.uv())
    elif options.pebble:
        print(resolve.provide_pebble().program)
    elif options.env:
        print(environment.shell(environment.variables()), end="")
    else:
        print(_report(resolve.provide(from_source=options.from_source)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="engine/provide.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--env", action="store_true", help="only print shell lines that lead to the engine")
    what.add_argument("--check", action="store_true", help="only say what is there; exit code 1 if a part is missing")
    what.add_argument("--packages", action="store_true", help="only see to the system packages (nginx, bubblewrap...)")
    what.add_argument("--virtualenv", metavar="FOLDER", type=Path, help="only make FOLDER from requirements-dev.txt")
    what.add_argument("--pebble", action="store_true", help="only see to pebble, and print its path")
    what.add_argument("--vet", action="store_true", help="only check the Go sources")
    what.add_argument("--uv", action="store_true", help="only print the path of the locked uv")
    parser.add_argument("--browser", action="store_true", help="with --packages: what the browser test needs too")
    parser.add_argument("--from-source", action="store_true", help="build what is missing; download no release")
    return parser


def _check() -> None:
    engine = resolve.find()
    if shown := _report(engine):
        print(shown)
    if engine.missing:
        raise EngineError(f"missing: {', '.join(engine.missing)}. `make engine` provides it.")


def _report(engine: resolve.Engine) -> str:
    rows = {"pulumi": engine.pulumi, "plugin": engine.plugin, "pebble": engine.pebble}
    return "\n".join(f"{name:<9} {found}" for name, found in rows.items() if found is not None)


if __name__ == "__main__":
    sys.exit(main())
