"""The files of a site, read from a folder."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luodi.delivery import content
from luodi.delivery.content import SAID_AT, ContentError
from luodi.delivery.files import File, digest, lines, manifest, parsed
from tests.project import REPOSITORY

NOWHERE = "is a link that leads nowhere; take it away, or put the file itself there"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    public = tmp_path / "public"
    (public / "a" / "b").mkdir(parents=True)
    (public / "index.html").write_text("hello")
    (public / "a" / "b" / "c.txt").write_bytes(b"\0\xff")
    return public


def data(folder: Path) -> dict[str, bytes]:
    """What was found, with the bytes of each file."""
    found = content.read(folder)
    for file in found.values():
        read = file.open().read()
        assert (file.size, file.sha256) == (len(read), hashlib.sha256(read).hexdigest())
    return {name: file.open().read() for name, file in found.items()}


def refusal(folder: Path) -> str:
    with pytest.raises(ContentError) as caught:
        content.read(folder)
    return str(caught.value)


def test_every_file_is_read(folder: Path) -> None:
    (folder / ".well-known").mkdir()
    (folder / ".well-known" / "x").touch()
    (folder / "empty folder").mkdir()
    assert data(folder) == {"index.html": b"hello", "a/b/c.txt": b"\0\xff", ".well-known/x": b""}


@pytest.mark.parametrize("name", ["文件.html", "a b", "'", "-rf", "%2e%2e", "...", "ü", "a\\b", "$(id)"])
def test_an_odd_name_is_a_name(folder: Path, name: str) -> None:
    (folder / name).write_text("odd")
    assert data(folder)[name] == b"odd"


def test_a_folder_that_is_a_link_is_read(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert data(link) == data(folder)


def test_a_link_inside_is_read_as_what_it_leads_to(folder: Path) -> None:
    (folder / "home.html").symlink_to("index.html")
    assert data(folder)["home.html"] == b"hello"


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "../../public-too"])
def test_a_link_that_leads_out_is_refused(folder: Path, target: str) -> None:
    (folder.parent / "secret").write_text("secret")
    (folder.parent / "public-too").mkdir()
    (folder / "a" / "out").symlink_to(target)
    assert (
        refusal(folder)
        == f"{SAID_AT}: {folder}/a/out is a link that leads out of the folder; put the file itself there"
    )


@pytest.mark.timeout(20)
def test_links_in_a_circle_are_refused(folder: Path) -> None:
    (folder / "one").symlink_to("two")
    (folder / "two").symlink_to("one")
    assert refusal(folder) == f"{SAID_AT}: {folder}/one {NOWHERE}"


def test_a_link_to_nothing_is_refused(folder: Path) -> None:
    (folder / "broken").symlink_to("gone.html")
    assert refusal(folder) == f"{SAID_AT}: {folder}/broken {NOWHERE}"


@pytest.mark.parametrize("target", [".", "..", "b"])
def test_a_link_to_a_folder_is_refused(folder: Path, target: str) -> None:
    """Nothing below it would be published, and nobody would be told."""
    (folder / "a" / "link").symlink_to(target)
    assert refusal(folder) == f"{SAID_AT}: {folder}/a/link is a link to a folder; put the folder itself there"


@pytest.mark.timeout(20)
def test_a_pipe_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert refusal(folder) == f"{SAID_AT}: {folder}/pipe is neither a file nor a folder; take it away"


def test_a_name_that_is_not_utf_8_is_refused(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).touch()
    told = refusal(folder)
    assert told == rf"{SAID_AT}: '{folder}/caf\udce9.txt' has a name that is not UTF-8; rename it"


@pytest.mark.parametrize("name", ["a\nb", "tab\t", "\x7f", "\x85"])
def test_a_control_character_in_a_name_is_refused(folder: Path, name: str) -> None:
    (folder / name).touch()
    told = refusal(folder)
    assert told == f"{SAID_AT}: {f'{folder}/{name}'!r} has a control character in its name; rename it"


def test_a_file_that_can_not_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the test: root may read everything."""

    def denied(path: Path) -> File:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(File, "at", denied)
    assert refusal(folder) == f"{SAID_AT}: {folder}/a/b/c.txt can't be read: Permission denied"


def test_a_folder_that_can_not_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def denied(path: str) -> Iterator[os.DirEntry[str]]:
        if path.endswith("/a"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", denied)
    assert refusal(folder) == f"{SAID_AT}: {folder}/a can't be read: Permission denied"


def test_no_folder(tmp_path: Path) -> None:
    missing = tmp_path / "public"
    assert refusal(missing) == f"{SAID_AT}: there is no folder {missing}; it is looked for from the project's folder"
    assert refusal(missing / "deeper").startswith(f"{SAID_AT}: there is no folder {missing}/deeper;")
    missing.write_text("a file")
    assert refusal(missing) == f"{SAID_AT}: {missing} is not a folder; name the folder that the files are in"
    assert refusal(missing / "deeper").startswith(f"{SAID_AT}: there is no folder {missing}/deeper;")


def test_a_folder_that_leads_to_itself(tmp_path: Path) -> None:
    (tmp_path / "public").symlink_to("public")
    told = refusal(tmp_path / "public")
    assert told == f"{SAID_AT}: {tmp_path}/public can't be read: Too many levels of symbolic links"


def test_a_folder_whose_name_no_system_takes(tmp_path: Path) -> None:
    assert refusal(tmp_path / ("p" * 300)).endswith("p can't be read: File name too long")


@pytest.mark.parametrize(("where", "mode"), [("", 0o600), ("public", 0o600), ("public/a", 0o600), ("public/a", 0o300)])
def test_what_may_not_be_read_is_told(folder: Path, where: str, mode: int) -> None:
    closed = folder.parent / where
    closed.chmod(mode)
    # Root without its powers is an owner like any other.
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    ran = subprocess.run(
        [*powerless, sys.executable, "-c", _READ, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    closed.chmod(0o755)
    assert re.fullmatch(rf"{SAID_AT}: {folder}\S* can't be read: Permission denied\n", ran.stdout), ran.stderr


_READ = """
import pathlib, sys
from luodi.delivery import content
try:
    content.read(pathlib.Path(sys.argv[1]))
except content.ContentError as error:
    print(error)
"""


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty" / "too").mkdir(parents=True)
    assert refusal(tmp_path / "empty") == f"{SAID_AT}: {tmp_path / 'empty'} holds no file; put the site's files there"


def test_a_name_in_gbk_is_told_as_what_it_was_meant_to_be(folder: Path) -> None:
    """As an archive made on Chinese Windows unpacks here."""
    Path(os.fsdecode(os.fsencode(folder) + b"/" + "首页.html".encode("gbk"))).touch()
    assert refusal(folder).endswith("has a name that is not UTF-8 but GBK for '首页.html'; rename it")


def test_too_many_files_are_refused_before_any_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MOST_FILES", 1)
    monkeypatch.setattr(File, "at", lambda path: pytest.fail("was read"))
    assert "holds 2 files of 0.0 GB together; a release takes 1 files of 20 GB at most." in refusal(folder)


def test_too_many_bytes_are_refused_before_any_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may be larger than the disk that it is on seems to allow: here it has a hole."""
    with (folder / "film.mp4").open("wb") as film:
        film.truncate(content.MOST_BYTES + 1)
    monkeypatch.setattr(File, "at", lambda path: pytest.fail("was read"))
    assert "holds 3 files of 20.0 GB together" in refusal(folder)


def test_a_large_file_is_never_whole_in_memory(folder: Path) -> None:
    with (folder / "film.mp4").open("wb") as film:
        film.truncate(300_000_000)
    tracemalloc.start()
    assert content.read(folder)["film.mp4"].size == 300_000_000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10_000_000


def test_a_folder_looked_at_twice(folder: Path) -> None:
    looked = content.look(str(folder))
    assert looked.size == 7
    assert content.again(folder, {"digest": looked.digest}).keys() == content.read(folder).keys()
    (folder / "index.html").write_text("other")
    with pytest.raises(ContentError, match="changed while it was being published; run pulumi up again"):
        content.again(folder, {"digest": looked.digest})


def test_a_folder_in_another_is_all_of_its_path() -> None:
    one, other = File.holding(b"one"), File.holding(b"other")
    inner = {"index.html": other}
    outer = {"docs/index.html": one, "docs/old.html": one, "docs.html": one, "index.html": one}
    laid = {"html/docs.html": one, "html/index.html": one, "html/docs/index.html": other}
    assert content.laid({"html": outer, "html/docs": inner}) == laid
    assert content.laid({"html/docs": inner, "html": outer}) == laid, "in whatever order the engine gives them"


@pytest.mark.parametrize("at", ["html/docs", "html/docs/api"])
def test_a_file_where_another_folder_is_to_lie_is_refused(at: str) -> None:
    file = File.holding(b"")
    with pytest.raises(ContentError, match=f"{at.removeprefix('html')}/ is a folder of its own.* has a file docs in "):
        content.laid({"html": {"docs": file}, at: {"index.html": file}})


FILES = st.dictionaries(st.text(max_size=5), st.binary(max_size=5), max_size=4)


@given(FILES, FILES)
def test_a_digest_tells_files_apart(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    first, second = ({path: File.holding(data) for path, data in files.items()} for files in (one, other))
    assert (digest(first) == digest(second)) == (one == other)
    assert digest(first) == digest(dict(reversed(first.items())))


@given(FILES)
def test_a_manifest_tells_its_paths_again(named: dict[str, bytes]) -> None:
    files = {path: File.holding(data) for path, data in named.items()}
    assert parsed(lines(files)) == {path: file.sha256 for path, file in files.items()}


@pytest.mark.parametrize("name", ["plain", "a\\b", "\\n", "line\nbreak", "back\\\nboth", " a  b ", "文件"])
def test_a_manifest_is_what_sha256sum_writes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    written = subprocess.run(["sha256sum", "--", name], cwd=tmp_path, capture_output=True, check=True).stdout
    assert manifest({name: File.holding(b"x")}).encode() == written
