"""What several test modules need: the scripts, as modules and as processes."""

import io
import itertools
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout, suppress
from functools import cache, partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from unittest.mock import patch

import pytest

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "__snapshots__" / "test_golden"
ITEMS = sorted(path.parent.name for path in ROOT.glob("item*/chapter.py"))
# What belongs in an item's folder, whatever else stands there
OWN = "main.py", "questions.py", "chapter.py", "peer.py", "item[0-9][0-9].py"
STAGE = TemporaryDirectory(prefix="a path with spaces ")
for _path in (p for name in OWN for p in ROOT.glob(f"item*/{name}")):
    _folder = Path(STAGE.name, _path.parent.name)
    _folder.mkdir(exist_ok=True)
    shutil.copy(_path, _folder)
# Every script, by the name of its golden transcript.
SCRIPTS = {
    f"{path.parent.name}-{path.stem}".removesuffix("-main"): path
    for path in sorted(Path(STAGE.name).glob("*/[mq]*.py"))
}
LIMIT = 40.0  # seconds; a script takes one on an idle machine

POOL = ThreadPoolExecutor(6)  # more than cores: most scripts wait
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

ENVIRONMENT = dict(os.environ)  # see requirements/environment.py


@cache
def load(item: str, script: str = "main") -> Any:
    """Return a script of an item as a module with a name of its own."""
    path = ROOT / item / f"{script}.py"
    spec: Any = spec_from_file_location(f"{item}_{script}", path)
    module = module_from_spec(spec)
    with patch.object(sys, "path", [str(path.parent), *sys.path]):
        spec.loader.exec_module(module)
    return module


def printed(demo: Any, **replaced: Any) -> str:
    """Return what a demo prints, with some of its script's names replaced."""
    assert replaced.keys() <= demo.__globals__.keys()
    with (
        patch.dict(demo.__globals__, replaced),
        redirect_stdout(io.StringIO()) as output,
    ):
        demo()
    return output.getvalue()


@cache
def noise() -> set[str]:
    """Return the lines that any Python writes to stderr here: a loader's."""
    command = [sys.executable, "-c", "pass"]
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    return set(result.stderr.splitlines(keepends=True))


def own(stderr: str) -> str:
    """Return what a script wrote to stderr itself."""
    lines = stderr.splitlines(keepends=True)
    return "".join(line for line in lines if line not in noise())


def run(
    *command: str | Path, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run this Python on a command line; both outputs are text."""
    options = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "timeout": LIMIT,
        "env": ENVIRONMENT,
        **options,
    }
    result = subprocess.run([sys.executable, "-B", *command], **options)
    result.stderr = own(result.stderr or "")
    return result


@cache
def begin(runs: Callable[[str], Any], name: str) -> Future[Any]:
    """Begin to run a script, once, while other tests run."""
    return POOL.submit(runs, name)


def each_script(
    runs: Callable[[str], Any], names: Iterable[str] = SCRIPTS
) -> pytest.MarkDecorator:
    """Return a mark to test each script; their runs begin early."""
    mark = pytest.mark.looks_at
    values = [pytest.param(name, marks=mark(runs, name)) for name in names]
    return pytest.mark.parametrize("name", values)


def run_copy(name: str) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Run a script in a copy of its folder; return also the files there.

    With nothing but the standard library and the folder's own files (-ESs),
    and no encoding that depends on where it runs.
    """
    script = SCRIPTS[name]
    with TemporaryDirectory(prefix="a path with spaces ") as folder:
        shutil.copytree(script.parent, folder, dirs_exist_ok=True)
        options = ["-ESs", "-W", "error", "-X", "warn_default_encoding"]
        result = run(*options, script.name, cwd=folder)
        return result, set(os.listdir(folder))


def transcript(name: str) -> str:
    """Return what a script prints."""
    return begin(run_copy, name).result()[0].stdout


def mask(text: str) -> str:
    """Return text without what its here: lines say of this machine."""
    return re.sub(r"(?m)^here: .*$", "here: ...", text)


def relatives(token: str) -> list[str]:
    """Return the processes with token in their environment, where /proc is.

    A zombie has no environment: it counts as gone.
    """
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile, or is not ours
            if token.encode() in (process / "environ").read_bytes():
                found.append(process.name)
    return found


@contextmanager
def family() -> Iterator[dict[str, str]]:
    """Yield an environment; fail if a process that has it is left behind."""
    token = str(uuid.uuid4())
    yield {**ENVIRONMENT, "FAMILY": token}
    deadline = time.monotonic() + LIMIT / 2
    while left := relatives(token):
        if time.monotonic() > deadline:
            for process in left:
                os.kill(int(process), signal.SIGKILL)
            pytest.fail(f"left behind, and killed now: {left}")
        time.sleep(0.01)


@contextmanager
def mute_peer(hangs_up: bool) -> Iterator[Any]:
    """Yield the address of a peer that hangs up, or waits: no answer."""

    def hang_up() -> None:
        with server.accept()[0] as connection:
            connection.recv(1)

    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        ThreadPoolExecutor() as pool,
    ):
        if hangs_up:
            pool.submit(hang_up)
        yield server.getsockname()


def late(before: float = 0.0, after: float = 0.0) -> type[Thread]:
    """Return a class of threads that begin and end late, in seconds."""

    class Late(Thread):
        def run(self) -> None:
            time.sleep(before)
            super().run()
            time.sleep(after)

    return Late


# A pool whose threads begin late
late_pool: Any = partial(
    ThreadPoolExecutor, initializer=partial(time.sleep, 0.05)
)


def waits_for(lock: Any, access: Callable[[], object]) -> bool:
    """Return whether an access waits for a lock, and goes on with it."""
    thread = Thread(target=access, daemon=True)
    with lock:
        thread.start()
        thread.join(0.02)
        waits = thread.is_alive()
    thread.join(LIMIT)
    return waits and not thread.is_alive()


def life(grid: Any) -> str:
    """Return the generation after grid, by a second implementation.

    It keeps a set of living cells, each of which reports to its neighbors.
    """
    rows = str(grid).splitlines()
    height, width = len(rows), len(rows[0])
    cells = list(itertools.product(range(height), range(width)))
    alive = {(y, x) for y, x in cells if rows[y][x] == "*"}
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
    yield kind(1, 1)
    for _ in range(count):
        grid = kind(chance.randint(1, 6), chance.randint(1, 6))
        for y in range(grid.height):
            for x in range(grid.width):
                grid.set(y, x, chance.choice("*-"))
        yield grid
