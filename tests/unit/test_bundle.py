"""A release as one file, and that file as commands small enough for TAT."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from luodi.delivery.bundle import MOST_PARTS, PART, Bundle, TooLarge
from luodi.delivery.scripts import Scripts
from luodi.delivery.tat import COMMAND_LIMIT, SCRIPT_LIMIT
from tests.unit.machine import noise

SCRIPTS = Scripts(Path(__file__).parents[2] / "templates")
FILES = {
    "nginx/nginx.conf": b"events {}",
    "html/index.html": "<h1>落地</h1>".encode(),
    "html/a folder/文件 1.txt": b"",
    "html/-rf": b"-",
    "html/" + "x/" * 60 + "deep.bin": bytes(range(256)),
    "html/" + "n" * 200 + ".txt": b"long",
}


def unpacked(bundle: Bundle, folder: Path) -> dict[str, bytes]:
    """What a server makes of the parts, by its own tools."""
    for number, part in enumerate(bundle.parts()):
        (folder / f"{number:03d}").write_text(part)
    (folder / "out").mkdir()
    script = """
        set -euo pipefail
        cat [0-9]* | base64 --decode > bundle
        tar --extract --gzip --no-same-owner --file=bundle --directory=out
        sha256sum bundle
    """
    ran = subprocess.run(["bash", "-c", script], cwd=folder, check=True, capture_output=True, text=True)
    assert ran.stdout.split()[0] == bundle.digest
    files = [path for path in (folder / "out").rglob("*") if path.is_file()]
    return {path.relative_to(folder / "out").as_posix(): path.read_bytes() for path in files}


def test_tar_and_base64_give_the_files_back(tmp_path: Path) -> None:
    assert unpacked(Bundle.of(FILES), tmp_path) == FILES
    index = tmp_path / "out" / "html" / "index.html"
    assert index.stat().st_mode & 0o777 == 0o644


def test_a_bundle_of_several_parts_comes_back_whole(tmp_path: Path) -> None:
    files = {"html/big.bin": noise(200_000)}
    bundle = Bundle.of(files)
    assert len(bundle.parts()) > 5
    assert unpacked(bundle, tmp_path) == files


def test_the_same_files_are_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Bundle.of(FILES)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    again = Bundle.of(dict(reversed(FILES.items())))
    assert first == again
    assert first.digest == again.digest == hashlib.sha256(first.data).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        {**FILES, "html/index.html": b"other"},
        {**FILES, "more": b""},
        {path: data for path, data in FILES.items() if path != "html/-rf"},
    ],
)
def test_other_files_are_other_bytes(other: dict[str, bytes]) -> None:
    assert Bundle.of(other).digest != Bundle.of(FILES).digest


NAME = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(max_examples=25)
@given(st.dictionaries(NAME.filter(lambda name: name not in (".", "..")), st.binary(max_size=200), max_size=5))
@example({"a\nb": b"", "ümlaut": b"\0", " ": b" ", "'": b"x", "%s": b"", "\\": b""})
def test_any_files_come_back(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    beneath = {f"html/{name}": data for name, data in files.items()}
    assert unpacked(Bundle.of(beneath), tmp_path_factory.mktemp("bundle")) == beneath


def test_a_part_fits_a_command_with_the_script_around_it() -> None:
    [part, *_] = Bundle.of({"html/big.bin": noise(100_000)}).parts()
    assert len(part) == PART
    script = SCRIPTS.upload("/var/lib/luodi/upload/0123456789abcdef", "000", part).encode()
    assert len(script) <= SCRIPT_LIMIT
    assert len(base64.b64encode(script)) <= COMMAND_LIMIT


def test_parts_are_all_of_it_in_order() -> None:
    bundle = Bundle.of({"html/big.bin": noise(100_000)})
    parts = bundle.parts()
    assert base64.b64decode("".join(parts)) == bundle.data
    assert all(len(part) == PART for part in parts[:-1])


def test_what_is_too_large_is_told_with_what_to_do() -> None:
    most = MOST_PARTS * PART * 3 // 4
    assert len(Bundle(b"x" * most).parts()) == MOST_PARTS
    with pytest.raises(TooLarge) as caught:
        Bundle(b"x" * (most + 1)).parts()
    assert str(caught.value) == (
        "The release is 2.2 MB when compressed; by TAT's 64 KB commands luodi carries 2.2 MB at most. Leave large "
        "files (pictures, video, downloads) out of luodi:site.content and serve them from COS (对象存储)."
    )
