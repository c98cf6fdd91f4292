"""The claims of item 57, about a thread for every unit of work."""

import math
import sys
import threading
import time
from collections.abc import Callable
from threading import Event, Thread

import pytest

from tests.helpers import LIMIT, ROOT, here, life, load, random_grids, run

main = load("item57_threads")


def test_every_torus_steps_as_the_second_implementation_does() -> None:
    """C57.1."""
    for grid in random_grids(main.LockingGrid):
        after = main.simulate_threaded(grid)
        assert isinstance(after, main.LockingGrid)
        assert str(after) == life(grid)


def test_a_generation_with_io_takes_about_one_wait() -> None:
    """C57.2: 2 to 3 waits were measured, of 45 that a single thread needs.

    A wait cannot be shorter; how much longer is up to the machine. That the
    waits overlap is the exact test below: 45 threads alive at once.
    """
    (seconds,) = here(
        "item57_threads", "45 cells took # s; the ideal is 0.010"
    )
    assert 0.01 <= seconds < 5


def test_threads_cost_memory_and_time() -> None:
    """C57.3: that 45 were alive at once stands in the transcript.

    The stack is what the system sets; in use is less of it than a megabyte.
    """
    (count, seconds) = here("item57_threads", "# threads took # s to start")
    assert count == 45
    assert 0 < seconds < 4.5
    if sys.platform == "linux":
        stack, in_use = here(
            "item57_threads", "each reserves # KiB for its stack and has # KiB"
        )
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_STACK)
        assert stack == limit // 1024
        assert 0 < in_use < 1024


def test_as_many_threads_as_cells_are_alive_at_once() -> None:
    """C57.3."""
    alive, _ = main.all_alive()
    assert alive == main.HEIGHT * main.WIDTH


def test_join_raises_nothing_but_the_hook_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C57.4: and the cell is silently wrong."""
    died: list[object] = []
    monkeypatch.setattr(
        threading, "excepthook", lambda args: died.append(args.exc_type)
    )

    def failing(state: str, neighbors: int) -> str:
        raise OSError("no I/O")

    after = main.simulate_threaded(main.glider(), failing)
    assert died == [OSError] * 45
    assert "*" not in str(after)


def test_the_demo_puts_the_hook_back() -> None:
    hook = threading.excepthook
    main.lost_exception()
    assert threading.excepthook is hook


def test_without_the_lock_the_simulation_is_as_right() -> None:
    """What LockingGrid's docstring says: each cell has one writer."""
    for grid in random_grids(main.Grid):
        after = main.Grid(grid.height, grid.width)
        threads = [
            Thread(target=main.step_cell, args=(y, x, grid.get, after.set))
            for y in range(grid.height)
            for x in range(grid.width)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert str(after) == life(grid)


@pytest.mark.parametrize(
    "access",
    [
        lambda grid: grid.get(0, 0),
        lambda grid: grid.set(0, 0, "*"),
        lambda grid: str(grid),
    ],
    ids=["get", "set", "str"],
)
def test_every_access_waits_for_the_lock(
    access: Callable[[object], object],
) -> None:
    """Where threads read what others write, nobody sees half a change."""
    grid = main.LockingGrid(1, 1)
    with grid.lock:
        thread = Thread(target=access, args=(grid,))
        thread.start()
        thread.join(0.02)
        assert thread.is_alive()
    thread.join(LIMIT)
    assert not thread.is_alive()


def test_the_lock_does_not_guard_a_get_and_the_set_after_it() -> None:
    """What LockingGrid's docstring says: two threads flip a cell, one flip
    is lost."""
    grid = main.LockingGrid(1, 1)
    flip = {main.EMPTY: main.ALIVE, main.ALIVE: main.EMPTY}
    has_read, may_write = Event(), Event()

    def flip_slowly() -> None:
        state = grid.get(0, 0)
        has_read.set()
        assert may_write.wait(LIMIT)
        grid.set(0, 0, flip[state])

    thread = Thread(target=flip_slowly)
    thread.start()
    assert has_read.wait(LIMIT)
    grid.set(0, 0, flip[grid.get(0, 0)])
    may_write.set()
    thread.join(LIMIT)
    assert grid.get(0, 0) == main.ALIVE  # flipped twice, it would be EMPTY


@pytest.mark.skipif(sys.platform != "linux", reason="/proc, and such limits")
def test_a_refused_thread_is_said_and_the_others_are_joined() -> None:
    script = (
        "import main, resource, threading\n"
        "size = int(main.kernel_figure('status', 'VmSize:')) * 1024\n"
        "size += 100_000_000\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size, size))\n"
        "gate = threading.Event()\n"
        "join = threading.Thread.join\n"
        "def open_and_join(thread):\n"  # until then, all started ones wait
        "    gate.set()\n"
        "    join(thread)\n"
        "threading.Thread.join = open_and_join\n"
        "def wait(state, neighbors):\n"
        "    gate.wait()\n"
        "    return state\n"
        "try:\n"
        "    main.simulate_threaded(main.glider(), wait)\n"
        "except RuntimeError as error:\n"
        "    print(error, threading.active_count())\n"
        "finally:\n"
        "    gate.set()\n"
    )
    result = run("-c", script, cwd=ROOT / "item57_threads")
    assert result.stderr == ""
    assert result.stdout.startswith("the system refused thread ")
    assert " of 45: " in result.stdout
    assert result.stdout.endswith(" 1\n")


def test_every_cell_is_stepped_once() -> None:
    calls = []

    def counted(state: str, neighbors: int) -> str:
        calls.append(state)
        return main.game_logic(state, neighbors)

    main.simulate_threaded(main.Grid(4, 7), counted)
    assert len(calls) == 28


def test_the_slowest_thread_is_waited_for() -> None:
    """C57.1: the first one, and there is no other way to know it is done."""
    first = threading.Lock()

    def slow_at_first(state: str, neighbors: int) -> str:
        if first.acquire(blocking=False):
            time.sleep(0.05)
        return main.ALIVE

    after = main.simulate_threaded(main.Grid(3, 3), slow_at_first)
    assert "-" not in str(after)


def test_the_demo_waits_for_its_thread(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """C57.4."""

    def fail_slowly(state: str, neighbors: int) -> str:
        time.sleep(0.05)
        raise OSError("slow I/O")

    monkeypatch.setattr(main, "failing_game_logic", fail_slowly)
    main.lost_exception()
    assert "cell (2, 3) raised OSError: slow I/O" in capsys.readouterr().out


def test_what_the_kernel_does_not_tell_is_not_a_number() -> None:
    assert math.isnan(main.kernel_figure("no such file", "Rss:"))
