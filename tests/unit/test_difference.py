"""What a release would change on a server, file by file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from luodi.delivery.difference import MOST_TEXT, Change, changes, lines
from luodi.delivery.files import File
from luodi.delivery.files import lines as listed
from luodi.delivery.served import Served

NOTHING = Served("abc", True, None, {}, ())


def files(**texts: str) -> dict[str, File]:
    return {name: File.holding(text.encode()) for name, text in texts.items()}


def manifest(**texts: str) -> dict[str, str]:
    return {name: file.sha256 for name, file in files(**texts).items()}


def test_files_are_new_changed_or_gone() -> None:
    found = changes(manifest(a="1", b="1", c="1"), NOTHING, files(a="1", b="2", d="1"))
    assert found == [Change("b", "changed"), Change("c", "gone"), Change("d", "new")]


def test_what_was_changed_by_hand_is_told_apart() -> None:
    served = Served("abc", True, None, manifest(a="mine", extra="mine"), ("b",))
    assert changes(manifest(a="1", b="1", c="1"), served, files(a="1", b="1", c="2")) == [
        Change("a", "changed", by_hand=True),
        Change("b", "new", by_hand=True),
        Change("c", "changed"),
        Change("extra", "gone", by_hand=True),
    ]
    as_wanted = Served("abc", True, None, manifest(a="2"), ())
    assert changes(manifest(a="1"), as_wanted, files(a="2")) == [], "what is as it is wanted is no difference"


NAMED = st.dictionaries(st.sampled_from("abcd"), st.text(max_size=3), max_size=4)


@given(NAMED, NAMED)
def test_what_is_told_is_what_makes_one_of_the_other(now: dict[str, str], wanted: dict[str, str]) -> None:
    found = changes(manifest(**now), NOTHING, files(**wanted))
    made = {path: text for path, text in now.items() if path not in {each.path for each in found}}
    made |= {each.path: wanted[each.path] for each in found if each.kind != "gone"}
    assert made == wanted


def shown(change: Change, old: bytes | None, new: bytes | None) -> list[str]:
    return list(lines(change, old, File.holding(new) if new is not None else None))


def test_text_is_compared_line_by_line() -> None:
    assert shown(Change("a.html", "changed"), b"one\ntwo\nthree\n", b"one\n2\nthree\n") == [
        "--- server/a.html",
        "+++ release/a.html",
        "@@ -1,3 +1,3 @@",
        " one",
        "-two",
        "+2",
        " three",
    ]
    assert shown(Change("a", "new"), None, b"x")[:2] == ["--- nothing", "+++ release/a"]
    assert shown(Change("a", "gone", by_hand=True), b"x", None)[:2] == [
        "--- server/a (changed on the server by hand)",
        "+++ nothing",
    ]


def test_what_is_no_text_is_told_by_its_size() -> None:
    assert shown(Change("a.png", "changed"), b"\0\1", b"\0\1\2") == ["changed: a.png: 2 bytes -> 3 bytes"]
    assert shown(Change("a.png", "changed"), None, b"\0\1\2") == ["changed: a.png: ? -> 3 bytes"]
    assert shown(Change("a.png", "new"), None, b"\xff") == ["new: a.png: nothing -> 1 bytes"]
    assert shown(Change("a.png", "gone"), b"\xff", None) == ["gone: a.png: 1 bytes -> nothing"]
    large = b"x" * (MOST_TEXT + 1)
    assert shown(Change("a", "changed"), b"x", large) == [f"changed: a: 1 bytes -> {len(large)} bytes"]


def test_password_hashes_are_not_shown() -> None:
    [told] = shown(Change("sites/example.cn/passwords/0", "changed"), b"li:$6$old", b"li:$6$new")
    assert told == "sites/example.cn/passwords/0: password hashes, not shown"


def test_nothing_on_the_server_can_write_to_the_terminal() -> None:
    told = "\n".join(shown(Change("a", "gone"), b"\x1b]0;mine\x07\tx\r", None))
    assert "\x1b" not in told
    assert "\t" in told


def test_what_the_server_says() -> None:
    some = files(**{"back\\slash": "x", "plain": "y", "line\u2028separator": "z"})
    said = "abc serving\n= " + "0" * 64 + "  -\n" + "".join(f"+ {line}\n" for line in listed(some)) + "- gone file\n"
    assert Served.parse(said) == Served(
        "abc", True, "0" * 64, {path: file.sha256 for path, file in some.items()}, ("gone file",)
    )
    assert Served.parse("stopped") == Served("", False, None, {}, ())
    assert Served.parse("") == Served("", False, None, {}, ())
