"""The table of faults in README.md names tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = (Path(__file__).parent / "README.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", TABLE)))


def test_there_is_a_table() -> None:
    assert len(NAMED) > 25


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_what_it_names_is_there(file: str, name: str) -> None:
    assert f"\ndef {name}(" in (ROOT / file).read_text("utf-8")
