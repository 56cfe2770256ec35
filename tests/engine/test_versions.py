"""What fits beside what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import versions

numbers = st.integers(min_value=0, max_value=9999)


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("v3.250.0\n", (3, 250, 0)),
        ("3.250.0", (3, 250, 0)),
        ("Pebble version: 2.10.1", (2, 10, 1)),
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("1.24", (1, 24, 0)),
        ("Pebble version: dev", None),
        ("", None),
    ],
)
def test_reads_what_programs_print(printed: str, version: tuple[int, int, int] | None) -> None:
    assert versions.parse(printed) == version


@pytest.mark.parametrize(
    ("found", "wanted", "newer", "fits"),
    [
        ("3.250.0", "3.250.0", True, True),
        ("3.251.4", "3.250.0", True, True),
        ("3.249.9", "3.250.0", True, False),
        ("4.0.0", "3.250.0", True, False),
        ("2.10.2", "2.10.1", False, True),
        ("2.11.0", "2.10.1", False, False),
        ("", "2.10.1", False, False),
    ],
)
def test_the_same_major_version_and_no_older(found: str, wanted: str, newer: bool, fits: bool) -> None:
    assert versions.fits(found, wanted, newer=newer) is fits


@given(numbers, numbers, numbers)
def test_every_version_fits_itself(major: int, minor: int, patch: int) -> None:
    version = f"{major}.{minor}.{patch}"
    assert versions.parse(f"v{version} (linux)") == (major, minor, patch)
    assert versions.fits(version, version, newer=False)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    assert versions.fits(text, versions.PULUMI) in (True, False)
