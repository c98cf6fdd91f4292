"""The claims of item 59's answers, about cancelling and Ctrl-C."""

import os
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from time import sleep
from typing import Any

import pytest

from tests.helpers import LIMIT, load, run_copy

questions = load("item59_pool", "questions")

CANCEL = "pool.shutdown(wait=False, cancel_futures=True)"


@pytest.mark.parametrize("calls", [2, 5])
def test_of_all_calls_only_the_running_one_is_run(
    calls: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Q59.A: the others are cancelled; it is not, and it ends when asked."""
    ran: list[int] = []
    futures: list[Future[Any]] = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, max_workers: int) -> None:
            # A thread that starts late must not change anything.
            super().__init__(max_workers, initializer=partial(sleep, 0.02))

        def submit(self, function: Any, /, *_: Any, **__: Any) -> Future[Any]:
            def noted() -> Any:
                ran.append(len(ran))
                return function()

            futures.append(super().submit(noted))
            return futures[-1]

    monkeypatch.setattr(questions, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(questions, "CALLS", calls)
    questions.cancel_and_shut_down()

    running, *waiting = futures
    assert len(waiting) == calls - 1
    assert ran == [0]
    assert not running.cancelled()
    assert running.result() == "asked to stop"
    assert all(future.cancelled() for future in waiting)
    assert f"{calls - 1} of {calls - 1} that" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("reaction", "ran"),
    [("pass", 10), ("pool.shutdown(wait=False)", 10), (CANCEL, 1)],
)
def test_what_waits_runs_after_ctrl_c_unless_it_is_cancelled(
    reaction: str, ran: int
) -> None:
    """Q59.B."""
    assert questions.calls_run(reaction) == ran


@pytest.mark.parametrize(
    ("reaction", "ran"), [("pool.shutdown(wait=False)", 10), (CANCEL, 1)]
)
def test_the_end_of_a_program_waits_for_what_waits(
    reaction: str, ran: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Q59.B: wait=False only puts it off, where there is no `with`."""
    code = questions.CHILD.replace(
        "with ThreadPoolExecutor(1) as pool:",
        "pool = ThreadPoolExecutor(1)\nif True:",
    ).replace(
        "print(len(ran))",
        "import atexit\natexit.register(lambda: print(len(ran)))",
    )
    monkeypatch.setattr(questions, "CHILD", code)
    assert questions.calls_run(reaction) == ran


def test_who_interrupts_the_child_is_said() -> None:
    """Q59.B: Windows has no SIGINT for one process alone."""
    sender = "itself" if os.name == "nt" else "this script"
    result, _ = run_copy("item59_pool", "questions")
    assert f"here: a child gets SIGINT from {sender}\n" in result.stdout


def test_a_child_that_fails_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q59.B: and no hang."""
    monkeypatch.setattr(questions, "CHILD", "raise OSError")
    with pytest.raises(OSError, match="did not start"):
        questions.calls_run("pass")


def test_a_child_ends_with_the_script() -> None:
    """Q59.B: it takes the end of its input for it, interrupted or not."""
    with subprocess.Popen(
        [sys.executable, "-IS", "-c", questions.CHILD, "pass"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline()
        stdout, _ = child.communicate(timeout=LIMIT)
    if os.name != "nt":
        assert stdout.endswith(b"\n10\n")


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_ctrl_c_arrives_where_the_script_ignores_it() -> None:
    """Q59.B: children of what a shell runs in the background do, too."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert questions.calls_run(CANCEL) == 1
    finally:
        signal.signal(signal.SIGINT, before)
