"""Copies are copies, and every example of the book is marked and run."""

import re
from pathlib import Path

import pytest

from tests.helpers import ITEMS, ROOT, load

# How many the book has
EXAMPLES = dict(zip(ITEMS, (11, 9, 8, 24, 9, 5, 11, 4, 6), strict=True))
COPIES = sorted(ROOT.glob("item*/item[0-9][0-9].py"))


def test_every_item_has_the_same_chapter() -> None:
    texts = {(ROOT / item / "chapter.py").read_bytes() for item in ITEMS}
    assert len(texts) == 1, "renew the copies: make copies"


@pytest.mark.parametrize(
    "copy", COPIES, ids=lambda p: f"{p.parent.name}/{p.name}"
)
def test_a_copy_is_the_original_byte_for_byte(copy: Path) -> None:
    (original,) = ROOT.glob(f"{copy.stem}_*/main.py")
    assert copy.read_bytes() == original.read_bytes(), "run make copies"


@pytest.mark.parametrize("item", ITEMS)
def test_every_example_is_marked_once_and_run(item: str) -> None:
    """1 to N, in the book's order; a heading is one line."""
    text = (ROOT / item / "main.py").read_text(encoding="utf-8")
    numbers = list(range(1, EXAMPLES[item] + 1))
    marks = re.findall(r"(?m)^ *# Example (\d+)$", text)
    assert [int(mark) for mark in marks] == numbers
    table = load(item).EXAMPLES
    assert [n for key in table for n in key] == numbers
    assert all("\n" not in demo.__doc__ for demo in table.values())
