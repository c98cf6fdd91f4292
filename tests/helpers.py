"""What several test modules need: the items, as modules and as processes."""

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
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ITEMS = sorted(path.parent.name for path in ROOT.glob("item*/main.py"))
ANSWERED = sorted(path.parent.name for path in ROOT.glob("item*/questions.py"))

# Every script: the item and the name of the file, by what tests call it.
SCRIPTS = {item: (item, "main") for item in ITEMS} | {
    f"{item}-questions": (item, "questions") for item in ANSWERED
}
LIMIT = 30.0  # seconds; a script takes 1.5 on an idle machine

# FORCE_COLOR colors even what goes into a pipe, from 3.13 on.
ENVIRONMENT = {**os.environ, "PYTHON_COLORS": "0"}


def load(item: str, script: str = "main") -> ModuleType:
    """A script of the item as a module of a name of its own."""
    return _load(item, script)


@cache  # of a function without defaults: it goes by how it is called
def _load(item: str, script: str) -> ModuleType:
    path = ROOT / item / f"{script}.py"
    name = f"{item}_{script}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(
    *command: str | Path, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run this Python on a command line, with both outputs as text."""
    return subprocess.run(
        [sys.executable, "-B", *command],
        **{
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "timeout": LIMIT,
            "env": ENVIRONMENT,
            **options,
        },
    )


def relatives(token: str) -> list[str]:
    """The processes that have token in their environment, where /proc is.

    Zombies have none: they are gone, whenever init reaps them.
    """
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if token.encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:  # it ended meanwhile, or is not ours
            pass
    return found


def run_copy(
    item: str, script: str = "main"
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a copy of a script, alone in a folder; what is there afterwards.

    This happens once: the golden tests compare the text, and the tests of
    each item the figures on its here: lines.
    """
    return _run_copy(item, script)


@cache
def _run_copy(
    item: str, script: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    with TemporaryDirectory(prefix="a path with spaces ") as folder:
        shutil.copy(ROOT / item / f"{script}.py", folder)
        result = run("-W", "error", f"{script}.py", cwd=folder)
        return result, os.listdir(folder)


def life(grid: Any) -> str:
    """The generation after grid, by a second implementation: sets of cells.

    It tells every living cell's neighbors of it, where the items ask every
    cell for its neighbors; and knows nothing of tori but the remainders.
    """
    rows = str(grid).splitlines()
    height, width = len(rows), len(rows[0])
    alive = {
        (y, x)
        for y in range(height)
        for x in range(width)
        if rows[y][x] == "*"
    }
    told = Counter(
        ((y + dy) % height, (x + dx) % width)
        for y, x in alive
        for dy, dx in itertools.product((-1, 0, 1), repeat=2)
        if dy or dx
    )
    born = {cell for cell, count in told.items() if count == 3}
    stay = {cell for cell in alive if told[cell] == 2}
    return "\n".join(
        "".join("*" if (y, x) in born | stay else "-" for x in range(width))
        for y in range(height)
    )


def random_grids(kind: Any, count: int = 20) -> Iterator[Any]:
    """Grids of the kind, of random sizes from 1 x 1 up, randomly filled."""
    chance = random.Random(56)
    for number in range(count):
        height, width = chance.randint(1, 6), chance.randint(1, 6)
        if number == 0:
            height = width = 1
        grid = kind(height, width)
        for y, x in itertools.product(range(height), range(width)):
            grid.set(y, x, chance.choice("*--"))
        yield grid


def mask(text: str) -> str:
    """Text without what its here: lines say of this machine and run."""
    return re.sub(r"(?m)^here: .*$", "here: ...", text)


def figures(text: str, pattern: str) -> list[float]:
    """The figures in the one here: line of text that matches the pattern.

    In the pattern, # stands for a figure.
    """
    regex = re.escape(pattern).replace(re.escape("#"), r"(\d+(?:\.\d+)?)")
    lines = re.findall(rf"(?m)^here: .*?{regex}.*$", text)
    assert len(lines) == 1, f"{len(lines)} lines match {pattern!r}"
    (line,) = lines
    return [float(n) for n in ([line] if isinstance(line, str) else line)]


def here(item: str, pattern: str, script: str = "main") -> list[float]:
    """The figures in the here: line of a script that matches the pattern."""
    result, _ = run_copy(item, script)
    return figures(result.stdout, pattern)


def here_again(
    item: str, example: int, *patterns: str
) -> Iterator[list[float]]:
    """What here() gives for each pattern, in one list; then from more runs.

    For a limit that a busy machine can break in any one run, but not in all:
    twenty more runs of the example are tried.
    """
    texts = (
        run(ROOT / item / "main.py", str(example)).stdout for _ in range(20)
    )
    for text in itertools.chain([run_copy(item)[0].stdout], texts):
        yield [n for pattern in patterns for n in figures(text, pattern)]
