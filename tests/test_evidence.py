"""What is printed is evidence: if its claim were false, it would be different.

Each row makes a world in which something is false, and says what becomes of
a demo's lines there.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from tests.helpers import load, printed


class World(NamedTuple):
    """What is false in a demo of a script, and a pattern of what is told.

    The names are the script's own, or dotted ones as unittest.mock.patch()
    takes them. The docstring of what takes their place says what is false.
    """

    script: str
    demo: str
    false: dict[str, Any]
    told: str


class NoLock(nullcontext[None]):
    """A lock does not lock."""


WORLDS = [
    World("item54_lock", "no_lost_readings", {"Lock": NoLock}, "got 500"),
]


@contextmanager
def without_reports(told: list[str]) -> Iterator[None]:
    """Add errors that end threads to a list, and print none of them."""

    def note(report: Any) -> None:
        told.append(f"{report.exc_type.__name__}: {report.exc_value}")

    with patch.object(threading, "excepthook", note):
        yield


def tell(script: str, demo: str, false: dict[str, Any]) -> str:
    """Return what a demo prints in a world, and the errors that end it."""
    item, _, kind = script.partition("-")
    function = getattr(load(item, kind or "main"), demo)
    errors: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(without_reports(errors))
        for name in [name for name in false if "." in name]:
            stack.enter_context(patch(name, false[name]))
        own = {name: false[name] for name in false if "." not in name}
        output = printed(function, errors, **own)
    return "\n".join([output, *errors])


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.demo)
def test_a_false_world_is_seen(world: World) -> None:
    """What is told there is told in no other."""
    assert re.search(world.told, tell(*world[:3]))
    assert not re.search(world.told, tell(*world[:2], {}))
