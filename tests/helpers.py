"""What several test modules need: the scripts, as modules and as processes."""

import importlib.util
import itertools
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
ITEMS = sorted(path.parent.name for path in ROOT.glob("item*/chapter.py"))
# Every script, by the name of its golden transcript.
SCRIPTS = {
    item + suffix: ROOT / item / f"{script}.py"
    for item in ITEMS
    for script, suffix in {"main": "", "questions": "-questions"}.items()
    if (ROOT / item / f"{script}.py").exists()
}
LIMIT = 60.0  # seconds; a script takes one on an idle machine

# Tests that share what they have run: see run_copy().
together = pytest.mark.xdist_group
each_script = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=together(name)) for name in SCRIPTS]
)

# Nothing that a user sets for Python or pytest changes what the tests see.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("PYTHON", "PYTEST", "FORCE_COLOR"))
}


@cache
def load(item: str, script: str = "main") -> Any:
    """Return a script of an item as a module with a name of its own."""
    path = ROOT / item / f"{script}.py"
    name = f"{item}_{script}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def run(
    *command: str | Path, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run this Python on a command line; both outputs are text."""
    return subprocess.run(
        [sys.executable, "-B", *command],
        **{
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "timeout": LIMIT,
            "env": ENVIRONMENT,
            **options,
        },
    )


@cache
def run_copy(name: str) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Run a script in a copy of its folder; return also the files there.

    -ESs: with nothing but the standard library and the folder's own files.
    """
    script = SCRIPTS[name]
    with TemporaryDirectory(prefix="a path with spaces ") as folder:
        for path in script.parent.glob("*.py"):
            shutil.copy(path, folder)
        result = run("-ESs", "-W", "error", script.name, cwd=folder)
        return result, set(os.listdir(folder))


def mask(text: str) -> str:
    """Return text without what its here: lines say of this machine."""
    return re.sub(r"(?m)^here: .*$", "here: ...", text)


def relatives(token: str) -> list[str]:
    """Return the processes with token in their environment, where /proc is.

    Zombies have none: they are gone, whenever init reaps them.
    """
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if token.encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:  # it has ended meanwhile, or is not ours
            pass
    return found


def life(grid: Any) -> str:
    """Return the generation after grid, by a second implementation.

    It keeps a set of living cells, each of which reports to its neighbors.
    """
    rows = str(grid).splitlines()
    height, width = len(rows), len(rows[0])
    alive = {
        (y, x)
        for y, x in itertools.product(range(height), range(width))
        if rows[y][x] == "*"
    }
    reports = Counter(
        ((y + dy) % height, (x + dx) % width)
        for y, x in alive
        for dy, dx in itertools.product((-1, 0, 1), repeat=2)
        if dy or dx
    )
    born = {cell for cell, count in reports.items() if count == 3}
    stay = {cell for cell in alive if reports[cell] == 2}
    return "\n".join(
        "".join("*" if (y, x) in born | stay else "-" for x in range(width))
        for y in range(height)
    )


def random_grids(kind: Any, count: int = 20) -> Iterator[Any]:
    """Yield grids of the kind, of random sizes from 1 x 1, randomly filled."""
    chance = random.Random(56)
    for number in range(count):
        height, width = chance.randint(1, 6), chance.randint(1, 6)
        if number == 0:
            height = width = 1
        grid = kind(height, width)
        for y, x in itertools.product(range(height), range(width)):
            grid.set(y, x, chance.choice("*--"))
        yield grid
