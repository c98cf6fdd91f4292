"""One call on threads, interpreters, processes and a cluster."""

import itertools
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import get_ident
from typing import Any

import psutil
import pytest
from item56 import ALIVE, EMPTY, Grid, Logic, game_logic, simulate

from benchmarks import executors
from benchmarks.executors import (
    CHUNKS,
    EXECUTORS,
    Figures,
    ctrl_c_held,
    dask_cluster,
    measure,
    opened,
    processes,
    processor_time,
    simulate_executor,
    slow_game_logic,
)
from tests.bench.faults import counting, dying_once, raising
from tests.helpers import (
    ENVIRONMENT,
    LIMIT,
    ROOT,
    life,
    random_grids,
    relatives,
)

# Under load it does take more than a second, in which Dask sees a slow disk.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Creating scratch directories is taking:UserWarning"
)

WORKERS = 2
posix = pytest.mark.skipif(
    os.name != "posix", reason="signals are those of POSIX"
)


@pytest.fixture(scope="module", params=list(EXECUTORS))
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Every executor in turn."""
    make = EXECUTORS[request.param]
    if make is None:
        pytest.skip("needs Python 3.14")
    with opened(make, WORKERS) as executor:
        yield executor


def glider() -> Grid:
    """A glider in the middle; the cells around it have no neighbors."""
    grid = Grid(12, 12)
    for y, x in (5, 6), (6, 7), (7, 5), (7, 6), (7, 7):
        grid.set(y, x, ALIVE)
    return grid


def test_every_executor_returns_the_grid_of_item_56(
    executor: Executor,
) -> None:
    """On tori from 1 x 1 up, in one chunk, in some, in more than cells."""
    numbers = itertools.cycle([1, 3, 8, 1000])
    for grid, chunks in zip(random_grids(Grid), numbers, strict=False):
        before = str(grid)
        after = str(simulate_executor(executor, grid, chunks=chunks))
        assert after == str(simulate(grid)) == life(grid)
        assert str(grid) == before


def test_every_cell_is_computed_once_even_if_all_are_equal(
    executor: Executor, tmp_path: Path
) -> None:
    """Dask's executor takes equal calls for one call, unless told not to."""
    grid = Grid(3, 3)
    simulate_executor(executor, grid, partial(counting, tmp_path), chunks=9)
    assert len(os.listdir(tmp_path)) == 9


def test_the_exception_of_a_rule_comes_out_and_the_executor_goes_on(
    executor: Executor,
) -> None:
    with pytest.raises(OSError, match=r"^problem with I/O$"):
        simulate_executor(executor, glider(), raising)
    after = simulate_executor(executor, glider())
    assert str(after) == life(glider())


@pytest.mark.parametrize("chunks", [1, 2, 7, 24, 25, 26, 1000])
def test_there_are_as_many_tasks_as_chunks_and_none_is_empty(
    chunks: int,
) -> None:
    """At most: 25 cells in 7 chunks of 4, or in 13 of 2 rather than in 24."""
    sizes = []

    class Counting(ThreadPoolExecutor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            sizes.append(len(args[0]))
            return super().submit(fn, *args, **kwargs)

    with Counting(1) as pool:
        simulate_executor(pool, Grid(5, 5), chunks=chunks)
    assert sum(sizes) == 25
    assert len(sizes) <= chunks
    assert set(sizes[:-1]) <= {-(-25 // chunks)}
    assert 1 <= sizes[-1] <= -(-25 // chunks)


def test_the_slow_rule_is_the_rule() -> None:
    for state, neighbors in itertools.product((ALIVE, EMPTY), range(9)):
        expected = game_logic(state, neighbors)
        assert slow_game_logic(state, neighbors) == expected


def test_the_figures_are_those_of_the_fastest_generation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By made-up clocks: a step takes what takes says, and so does its CPU."""
    wall, processor = 0.0, 0.0
    slow = [(9.0, 1.0), (4.0, 3.0), (6.0, 2.0)]
    quick = [(0.9, 0.0), (0.7, 0.0), (0.8, 0.0)]
    chunked = [(0.07, 0.0), (0.09, 0.0), (0.08, 0.0)]
    takes = iter(slow + quick + chunked)
    calls = []

    def step(logic: Logic, chunks: int) -> Grid:
        nonlocal wall, processor
        calls.append((logic, chunks))
        more = next(takes)
        wall, processor = wall + more[0], processor + more[1]
        return simulate(glider())

    monkeypatch.setattr(executors, "perf_counter", lambda: wall)
    monkeypatch.setattr(executors, "processor_time", lambda: processor)
    figures = measure(step, 144, life(glider()))
    assert figures == pytest.approx(Figures(4.0, 3.0, 0.7, 0.07))
    each = (slow_game_logic, CHUNKS), (game_logic, 144), (game_logic, CHUNKS)
    assert calls == [call for call in each for _ in range(3)]


def test_no_figures_are_returned_for_a_wrong_grid() -> None:
    with pytest.raises(RuntimeError, match="not the next generation"):
        measure(lambda logic, chunks: glider(), 144, life(glider()))


@posix
def test_ctrl_c_waits_for_the_end_of_a_generation_but_no_longer() -> None:
    ends = []

    def step(logic: Logic, chunks: int) -> Grid:
        signal.pthread_kill(get_ident(), signal.SIGINT)
        ends.append(True)
        return simulate(glider())

    with pytest.raises(KeyboardInterrupt), ctrl_c_held():
        measure(step, 144, life(glider()))
    assert len(ends) == 1


@posix
def test_a_killed_process_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "3").touch()
    with (
        opened(processes, WORKERS) as executor,
        pytest.raises(BrokenProcessPool, match="terminated abruptly"),
    ):
        simulate_executor(executor, glider(), partial(dying_once, tmp_path))
    assert os.listdir(tmp_path) == []


@posix
def test_a_killed_process_of_a_cluster_changes_nothing(tmp_path: Path) -> None:
    """Two are killed: one early in the generation, one in its middle."""
    (tmp_path / "1").touch()
    (tmp_path / "3").touch()
    with opened(dask_cluster, WORKERS) as executor:
        after = simulate_executor(
            executor, glider(), partial(dying_once, tmp_path)
        )
    assert str(after) == life(glider())
    assert os.listdir(tmp_path) == []


def test_the_cluster_listens_on_loopback_only() -> None:
    with opened(dask_cluster, WORKERS):
        this = psutil.Process()
        hosts = {
            connection.laddr.ip
            for process in (this, *this.children(recursive=True))
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        }
    assert hosts == {"127.0.0.1"}


BUSY = """
import time
while time.process_time() < 0.5:
    pass
input(print(time.process_time(), flush=True))
"""


def test_the_processor_time_is_that_of_the_whole_family() -> None:
    """A child is busy for half a second, and this process for a quarter."""
    here, start = time.process_time(), processor_time()
    with subprocess.Popen(
        [sys.executable, "-c", BUSY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        spent = float(child.stdout.readline())
        while time.process_time() < here + 0.25:
            pass
        grown = processor_time() - start
        child.communicate(b"\n")
    assert grown == pytest.approx(spent + 0.25, abs=0.1)


def run_script(
    folder: Path, delay: float | None = None, *, to_group: bool = False
) -> tuple[int, str]:
    """Run the script, press Ctrl-C after delay seconds; status and stdout.

    Neither a process is left behind, nor a file in folder, where it is to
    put all that is temporary.
    """
    token = uuid.uuid4().hex
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "benchmarks.executors", "--quick"],
        bufsize=0,  # readline() must not take from communicate()
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env={**ENVIRONMENT, "TOKEN": token, "TMPDIR": str(folder)},
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        first_line = process.stdout.readline()  # it runs by now
        # A moment at which this matters is hard to hit.
        if (status := Path(f"/proc/{process.pid}/status")).exists():
            (blocked,) = re.findall(r"SigBlk:\s*(\w+)", status.read_text())
            assert int(blocked, 16) & 1 << signal.SIGINT - 1
        if delay is not None:
            time.sleep(delay)
            (os.killpg if to_group else os.kill)(process.pid, signal.SIGINT)
        try:
            rest, stderr = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        end = time.monotonic()
    assert stderr == b"", stderr.decode()
    while left := relatives(token):  # multiprocessing's tracker is the last
        assert time.monotonic() < end + 10, left
        time.sleep(0.05)
    assert os.listdir(folder) == []
    return process.returncode, (first_line + rest).decode()


def test_the_table_has_a_row_for_every_executor(tmp_path: Path) -> None:
    status, stdout = run_script(tmp_path)
    assert status == 0
    rows = [line.replace("│", " ").split() for line in stdout.splitlines()]
    for name, make in EXECUTORS.items():
        (row,) = (row for row in rows if row[:1] == [name])
        if make is None:
            assert row == [name, "needs", "3.14"]
        else:
            assert len(row) == 7
            assert all(float(figure) >= 0 for figure in row[1:])


def test_the_table_compares_with_serial_and_is_for_each_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures that are made up, for a grid of 36 cells."""
    now = 0.0

    @contextmanager
    def made_up(workers: int) -> Iterator[Executor]:
        nonlocal now
        now += 7.0  # to start
        with ThreadPoolExecutor(workers) as pool:
            yield pool

    serial = Figures(4.0, 3.0, 36e-5, 36e-6)
    figures = iter([serial, Figures(2.0, 5.0, 36e-4, 72e-6)])
    monkeypatch.setattr(executors, "perf_counter", lambda: now)
    monkeypatch.setattr(executors, "EXECUTORS", {"new": made_up})
    monkeypatch.setattr(executors, "measure", lambda *_: next(figures))
    executors.main(["--quick"])

    out = capsys.readouterr().out
    rows = [line.replace("│", " ").split() for line in out.splitlines()]
    assert ["serial", "4.00", "1.00", "3.00", "10", "1"] in rows
    assert ["new", "7.00", "2.00", "0.50", "5.00", "100", "2"] in rows
    workers = executors.WORKERS
    assert f"36 cells, {workers} workers, {4 * workers} chunks" in out
    if sys.platform == "linux":
        assert workers == len(psutil.Process().cpu_affinity())


@posix
@pytest.mark.parametrize(
    ("delay", "to_group"), [(0, True), (0.7, False), (1.4, True), (2.1, True)]
)
def test_ctrl_c_leaves_nothing_behind(
    delay: float, to_group: bool, tmp_path: Path
) -> None:
    """To the whole group, as a terminal sends it, and to the parent alone."""
    status, _ = run_script(tmp_path, delay, to_group=to_group)
    assert status == 130 or (status == 0 and delay)  # it was through already
