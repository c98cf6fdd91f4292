"""Tells what demos of a script print in worlds in which something is false.

python -m tests.site.worlds item54_lock-questions
"""

import inspect
import json
import re
import sys
from difflib import ndiff
from importlib import import_module
from typing import Any

from tests.helpers import GOLDEN, load
from tests.test_evidence import World, tell

MODULES = "test_evidence", "test_evidence_questions"


def getdoc(value: Any) -> str | None:
    """Return the docstring of what takes a name's place, if it has one."""
    return inspect.getdoc(value) if callable(value) else None


def patch(name: str, value: Any) -> str:
    """Return the source of what takes a name's place."""
    if inspect.isfunction(value) or inspect.isclass(value):
        source = re.sub(r"  # (type|noqa).*", "", inspect.getsource(value))
        return f"{name} = {value.__name__}\n\n{source.rstrip()}"
    return f"{name} = {value!r}"


def show(world: World) -> dict[str, str]:
    """Return what is false in a world, and which lines differ there."""
    false = tell(*world[:2], {**world.setting, **world.false})
    demo = getattr(load(*world.script.split("-")), world.demo)
    golden = GOLDEN / f"test_transcript[{world.script}].txt"
    title, *words = map(str.strip, demo.__doc__.splitlines())
    text = golden.read_text("utf-8").partition(f": {title}\n")[2]
    true = re.split(r"(?m)^(?:Examples?|Question) [\dA-Z-]+: ", text)[
        0
    ].strip()
    true = true.removesuffix("\n".join(words).strip()).rstrip() + "\n"
    varied = [line for line in false.splitlines() if line.startswith("here:")]
    if not any(re.search(world.told, line) for line in varied):
        true, false = (re.sub("(?m)^here:.*\n", "", t) for t in (true, false))
    lines = ndiff(true.splitlines(), false.splitlines())
    docs = filter(None, map(getdoc, world.false.values()))
    patches = [patch(*item) for item in world.false.items()]
    return {
        "words": " ".join(dict.fromkeys(docs)),
        "patch": "\n\n\n".join(patches),
        "told": "\n".join(line for line in lines if line[0] in "+-"),
    }


if __name__ == "__main__":
    found: dict[str, list[dict[str, str]]] = {}
    for name in MODULES:
        try:
            worlds = import_module(f"tests.{name}").WORLDS
        except ModuleNotFoundError:
            continue
        for world in worlds:
            if sys.argv[1] == world.script:
                found.setdefault(world.demo, []).append(show(world))
    print(json.dumps(found))
