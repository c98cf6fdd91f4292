"""Copies are copies, and every example of the book is marked and run."""

import re

import pytest

from tests.helpers import ITEMS, ROOT, load

# How many the book has
EXAMPLES = dict(zip(ITEMS, (11, 9, 8, 24, 9, 5, 11, 4, 6), strict=True))


def test_copies_are_their_originals_byte_for_byte() -> None:
    """If not: `make copies`."""
    for name in "chapter.py", "peer.py":
        assert len({path.read_bytes() for path in ROOT.glob(f"*/{name}")}) == 1
    for copy in ROOT.glob("item*/item[0-9][0-9].py"):
        (original,) = ROOT.glob(f"{copy.stem}_*/main.py")
        assert copy.read_bytes() == original.read_bytes(), copy


@pytest.mark.parametrize("item", ITEMS)
def test_every_example_is_marked_once_and_run(item: str) -> None:
    """1 to N, in the book's order."""
    text = (ROOT / item / "main.py").read_text(encoding="utf-8")
    numbers = list(range(1, EXAMPLES[item] + 1))
    marks = re.findall(r"(?m)^ *# Example (\d+)$", text)
    assert [int(mark) for mark in marks] == numbers
    assert [n for key in load(item).EXAMPLES for n in key] == numbers
