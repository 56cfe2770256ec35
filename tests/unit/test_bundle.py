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

from luodi.delivery.bundle import BY_TAT, MOST_PARTS, PART, Bundle, TooLarge
from luodi.delivery.content import ContentError
from luodi.delivery.files import File
from luodi.delivery.scripts import Scripts
from luodi.delivery.tat import COMMAND_LIMIT, SCRIPT_LIMIT
from tests.noise import noise

SCRIPTS = Scripts(Path(__file__).parents[2] / "templates")
FILES = {
    "nginx/nginx.conf": b"events {}",
    "html/index.html": "<h1>落地</h1>".encode(),
    "html/a folder/文件 1.txt": b"",
    "html/-rf": b"-",
    "html/" + "x/" * 60 + "deep.bin": bytes(range(256)),
    "html/" + "n" * 200 + ".txt": b"long",
}


def packed(files: dict[str, bytes], folder: Path) -> Bundle:
    return Bundle.of({path: File.holding(data) for path, data in files.items()}, folder / "packed")


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
    assert ran.stdout.split()[0] == bundle.sha256
    files = [path for path in (folder / "out").rglob("*") if path.is_file()]
    return {path.relative_to(folder / "out").as_posix(): path.read_bytes() for path in files}


def test_tar_and_base64_give_the_files_back(tmp_path: Path) -> None:
    assert unpacked(packed(FILES, tmp_path), tmp_path) == FILES
    index = tmp_path / "out" / "html" / "index.html"
    assert index.stat().st_mode & 0o777 == 0o644


def test_a_bundle_of_several_parts_comes_back_whole(tmp_path: Path) -> None:
    files = {"html/big.bin": noise(200_000)}
    bundle = packed(files, tmp_path)
    assert len(list(bundle.parts())) == bundle.count > 5
    assert unpacked(bundle, tmp_path) == files


def test_the_same_files_are_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = packed(FILES, tmp_path)
    assert first.sha256 == hashlib.sha256(first.path.read_bytes()).hexdigest()
    assert first.size == first.path.stat().st_size
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    again = packed(dict(reversed(FILES.items())), tmp_path)
    assert first == again


@pytest.mark.parametrize(
    "other",
    [
        {**FILES, "html/index.html": b"other"},
        {**FILES, "more": b""},
        {path: data for path, data in FILES.items() if path != "html/-rf"},
    ],
)
def test_other_files_are_other_bytes(tmp_path: Path, other: dict[str, bytes]) -> None:
    assert packed(other, tmp_path).sha256 != packed(FILES, tmp_path).sha256


NAME = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(max_examples=25)
@given(st.dictionaries(NAME.filter(lambda name: name not in (".", "..")), st.binary(max_size=200), max_size=5))
@example({"a\nb": b"", "ümlaut": b"\0", " ": b" ", "'": b"x", "%s": b"", "\\": b""})
def test_any_files_come_back(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    folder = tmp_path_factory.mktemp("bundle")
    beneath = {f"html/{name}": data for name, data in files.items()}
    assert unpacked(packed(beneath, folder), folder) == beneath


def test_a_part_fits_a_command_with_the_script_around_it(tmp_path: Path) -> None:
    part = next(packed({"html/big.bin": noise(100_000)}, tmp_path).parts())
    assert len(part) == PART
    script = SCRIPTS.upload("/var/lib/luodi/upload/0123456789abcdef-01234567", "manifest.gz.000", part).encode()
    assert len(script) <= SCRIPT_LIMIT
    assert len(base64.b64encode(script)) <= COMMAND_LIMIT


def test_parts_are_all_of_it_in_order(tmp_path: Path) -> None:
    bundle = packed({"html/big.bin": noise(100_000)}, tmp_path)
    parts = list(bundle.parts())
    assert base64.b64decode("".join(parts)) == bundle.path.read_bytes()
    assert all(len(part) == PART for part in parts[:-1])


def test_what_is_too_large_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    path.write_bytes(b"x" * BY_TAT)
    assert len(list(Bundle(path, BY_TAT, "").parts())) == MOST_PARTS
    with pytest.raises(TooLarge) as caught:
        next(Bundle(path, BY_TAT + 1, "").parts())
    assert str(caught.value) == (
        "What must be sent is 2.2 MB when compressed; by TAT's 64 KB commands luodi carries 2.2 MB at most. Let it "
        "travel through a COS bucket (对象存储): leave out luodi:delivery.by, or set it to cos."
    )


# --- files on disk -----------------------------------------------------------------------------------


def test_files_are_packed_from_disk(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(noise(100_000))
    file = File.at(tmp_path / "noise")
    assert file.size == 100_000
    bundle = Bundle.of({"html/noise": file, "a": File.holding(b"in memory")}, tmp_path / "packed")
    assert unpacked(bundle, tmp_path) == {"html/noise": noise(100_000), "a": b"in memory"}


@pytest.mark.parametrize("now", [b"otherwise", b"short", b"", b"as it was looked at; and then some", None])
def test_a_file_that_changed_since_it_was_looked_at_is_not_packed(tmp_path: Path, now: bytes | None) -> None:
    """What was appended since is not what was looked at either way: it is left out, or it is told."""
    path = tmp_path / "changing.txt"
    path.write_bytes(b"as it was")
    file = File.at(path)
    if now is None:
        path.unlink()
    else:
        path.write_bytes(now)
    if now is not None and now.startswith(b"as it was"):
        assert unpacked(Bundle.of({"a": file}, tmp_path / "packed"), tmp_path) == {"a": b"as it was"}
        return
    with pytest.raises(ContentError) as caught:
        Bundle.of({"a": file}, tmp_path / "packed")
    assert str(caught.value) == (
        f"luodi:site.content: {path} changed while it was being published; run pulumi up again"
    )
