"""What is printed is evidence: if its claim were false, it would be different.

Each row makes a world in which something is false, and says what becomes of
a demo's lines there.
"""

import io
import re
import threading
from contextlib import ExitStack, redirect_stdout
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from tests.helpers import load


class World(NamedTuple):
    """What is false in a demo of a script, and a pattern of what is told.

    The names are the script's own, or dotted ones as unittest.mock.patch()
    takes them. The docstring of what takes their place says what is false.
    """

    script: str
    demo: str
    false: dict[str, Any]
    told: str


WORLDS = [
    World("item53_gil", "block_in_a_row", {"CALLS": 4}, "in a row 0.4"),
]


def tell(script: str, demo: str, false: dict[str, Any]) -> str:
    """Return what a demo prints in a world, and the errors it ends with."""
    item, _, kind = script.partition("-")
    function = getattr(load(item, kind or "main"), demo)
    dotted = [patch(name, false[name]) for name in false if "." in name]
    own = {name: false[name] for name in false if "." not in name}

    def end(error: Any) -> None:
        print(f"{error.exc_type.__name__}: {error.exc_value}")

    with ExitStack() as stack:
        output = stack.enter_context(redirect_stdout(io.StringIO()))
        for world in patch.object(threading, "excepthook", end), *dotted:
            stack.enter_context(world)
        stack.enter_context(patch.dict(function.__globals__, own))
        try:
            function()
        except (Exception, SystemExit) as error:
            print(f"{type(error).__name__}: {error}")
    return output.getvalue()


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.demo)
def test_a_false_world_is_seen(world: World) -> None:
    """What is told there is told in no other."""
    assert re.search(world.told, tell(*world[:3]))
    assert not re.search(world.told, tell(*world[:2], {}))
