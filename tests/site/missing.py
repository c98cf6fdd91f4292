"""Prints which texts nobody has translated yet: they stay English.

python -m tests.site.missing
"""

from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

from tests.helpers import ROOT

FILE = ROOT / "docs/locale/ko/LC_MESSAGES/sphinx.po"


def read(path: Path) -> Any:
    """Return what the site says in English, and in Korean."""
    return read_po(BytesIO(path.read_bytes()), "ko")


def missing() -> list[str]:
    """Return the English texts that have no Korean one."""
    return [text.id for text in read(FILE) if text.id and not text.string]


if __name__ == "__main__":
    print(*missing(), f"{len(missing())} texts are missing", sep="\n")
