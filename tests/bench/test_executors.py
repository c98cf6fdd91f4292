"""One call on threads, interpreters, processes and a cluster."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import get_ident
from typing import Any
from unittest.mock import Mock, patch

import psutil
import pytest
from item56 import Grid, Logic, game_logic, glider, simulate

from benchmarks import executors
from benchmarks.executors import (
    CHUNKS,
    EXECUTORS,
    Figures,
    measure,
    opened,
    processes,
    simulate_executor,
    slow_game_logic,
)
from tests.bench.faults import busy, counting, dying_once, raising
from tests.helpers import LIMIT, ROOT, family, life, posix, random_grids

# Under load it does take more than a second, in which Dask sees a slow disk.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Creating scratch directories is taking:UserWarning"
)


@pytest.fixture(scope="module", params=list(EXECUTORS))
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Every executor in turn."""
    make = EXECUTORS[request.param]
    if make is None:
        pytest.skip("needs Python 3.14")
    with opened(make, 2) as executor:
        yield executor


def test_every_executor_steps_as_item_56(executor: Executor) -> None:
    """On tori from 1 x 1 up, in one chunk, in some, in more than cells."""
    for grid, chunks in zip(
        random_grids(Grid), [1, 3, 8, 1000] * 5, strict=False
    ):
        after = str(simulate_executor(executor, grid, chunks=chunks))
        assert after == life(grid)


def test_every_cell_is_computed_once_even_if_all_are_equal(
    executor: Executor, tmp_path: Path
) -> None:
    """Dask's executor takes equal calls for one call, unless told not to."""
    grid = Grid(3, 3)
    simulate_executor(executor, grid, partial(counting, tmp_path), chunks=9)
    assert len(os.listdir(tmp_path)) == 9


def test_an_executor_goes_on_after_an_error(executor: Executor) -> None:
    with pytest.raises(OSError, match=r"^problem with I/O$"):
        simulate_executor(executor, glider(), raising)
    assert str(simulate_executor(executor, glider())) == life(glider())


@pytest.mark.parametrize(
    ("chunks", "sizes"),
    [(1, [25]), (7, [4] * 6 + [1]), (24, [2] * 12 + [1]), (99, [1] * 25)],
)
def test_there_are_no_more_tasks_than_chunks(
    chunks: int, sizes: list[int]
) -> None:
    """25 cells in 7 chunks of 4, or in 13 of 2 rather than in 24."""
    executor = Mock(map=Mock(wraps=map))
    simulate_executor(executor, Grid(5, 5), chunks=chunks)
    assert [len(part) for part in executor.map.call_args.args[1]] == sizes


def test_the_figures_are_those_of_the_fastest_generation() -> None:
    """By made-up clocks, which a step moves on; the grid has to be right."""
    clocks = {"perf_counter": 0.0, "processor_time": 0.0}
    slow = [(9.0, 1.0), (4.0, 3.0), (6.0, 2.0)]
    quick = [(0.9, 0.0), (0.7, 0.0), (0.8, 0.0)]
    chunked = [(0.07, 0.0), (0.09, 0.0), (0.08, 0.0)]
    takes = iter([*slow, *quick, *chunked, (1.0, 1.0)])
    calls = []

    def step(logic: Logic, chunks: int) -> Grid:
        calls.append((logic, chunks))
        for name, more in zip(clocks, next(takes), strict=True):
            clocks[name] += more
        return simulate(glider())

    made_up: Any = {name: partial(clocks.get, name) for name in clocks}
    with patch.multiple(executors, **made_up):
        figures = measure(step, 45, life(glider()))
        with pytest.raises(RuntimeError, match="not the next generation"):
            measure(step, 45, str(glider()))
    assert figures == pytest.approx(Figures(4.0, 3.0, 0.7, 0.07))
    each = (slow_game_logic, CHUNKS), (game_logic, 45), (game_logic, CHUNKS)
    assert calls[:9] == [call for call in each for _ in range(3)]


@posix
def test_ctrl_c_waits_for_the_end_of_a_generation_but_no_longer() -> None:
    """An executor that is interrupted in its own code may never end."""

    def step(logic: Logic, chunks: int) -> Grid:
        signal.pthread_kill(get_ident(), signal.SIGINT)
        ends.append(True)
        return simulate(glider())

    ends: list[bool] = []
    with pytest.raises(KeyboardInterrupt), executors.ctrl_c_held():
        measure(step, 45, life(glider()))
    assert ends == [True]


@posix
def test_only_a_cluster_survives_a_kill(tmp_path: Path) -> None:
    """Here, one is killed of the pool, and two of the cluster."""
    deadly = partial(dying_once, tmp_path)
    (tmp_path / "3").touch()
    with opened(processes, 2) as pool, pytest.raises(BrokenProcessPool):
        simulate_executor(pool, glider(), deadly)
    (tmp_path / "1").touch()
    (tmp_path / "3").touch()
    with opened(executors.dask_cluster, 2) as cluster:
        after = simulate_executor(cluster, glider(), deadly)
        this = psutil.Process()
        hosts = {
            connection.laddr.ip
            for process in (this, *this.children(recursive=True))
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        }
    assert str(after) == life(glider())
    assert os.listdir(tmp_path) == []
    assert hosts == {"127.0.0.1"}


def test_the_processor_time_is_that_of_the_whole_family() -> None:
    """A worker is busy for half a second, and nobody else is."""
    with opened(processes, 1) as pool:
        start = executors.processor_time()
        pool.submit(busy, 0.5).result()
        grown = executors.processor_time() - start
    assert grown == pytest.approx(0.5, abs=0.2)


def rows(table: str) -> list[list[str]]:
    """Return the cells of a table's lines."""
    return [line.replace("│", " ").split() for line in table.splitlines()]


@posix
@pytest.mark.parametrize("ctrl_c", [0, 0.7, 1.4, None])
def test_nothing_is_left_behind(ctrl_c: float | None, tmp_path: Path) -> None:
    """No process, and no file where it puts all that is temporary.

    The table has a row for every executor, if Ctrl-C did not come before.
    """
    with (
        family() as environment,
        subprocess.Popen(
            [sys.executable, "-u", "-m", "benchmarks.executors", "--quick"],
            bufsize=0,  # readline() must not take from communicate()
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**environment, "TMPDIR": str(tmp_path)},
            start_new_session=True,
        ) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()  # it runs by now
        if sys.platform == "linux":  # a moment at which this matters is rare
            status = Path(f"/proc/{process.pid}/status").read_text()
            blocked = status.partition("SigBlk:\t")[2].split()[0]
            assert int(blocked, 16) & 1 << signal.SIGINT - 1
        if ctrl_c is not None:
            time.sleep(ctrl_c)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it
        stdout, stderr = process.communicate(timeout=LIMIT)
    assert stderr == b"", stderr.decode()
    assert os.listdir(tmp_path) == []
    if ctrl_c is None or (process.returncode == 0 and ctrl_c):
        names = {row[0] for row in rows(stdout.decode()) if len(row) > 2}
        assert names >= {"serial", *EXECUTORS}
    else:
        assert process.returncode == 130


def test_the_table_compares_with_serial_and_is_for_each_call(
    capsys: pytest.CaptureFixture[str],
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
    measure = Mock(side_effect=[serial, Figures(2.0, 5.0, 36e-4, 72e-6)])
    made: Any = {"perf_counter": lambda: now, "EXECUTORS": {"new": made_up}}
    with patch.multiple(executors, measure=measure, **made):
        executors.main(["--quick"])
    found = rows(capsys.readouterr().out)
    assert ["serial", "4.00", "1.00", "3.00", "10", "1"] in found
    assert ["new", "7.00", "2.00", "0.50", "5.00", "100", "2"] in found
