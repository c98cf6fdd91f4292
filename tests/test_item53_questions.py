"""What the answers of item 53 claim, beyond what their transcript shows."""

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from tests.helpers import (
    LIMIT,
    ROOT,
    family,
    linux,
    load,
    posix,
    printed,
    relatives,
    run,
    transcript,
)

questions = load("item53_gil", "questions")
FOLDER = ROOT / "item53_gil"


@pytest.mark.parametrize(
    ("free_threaded", "gil", "line"),
    [
        (None, True, "here: a build with the GIL"),
        (1, True, "here: a free-threaded build with the GIL"),
        (1, False, "here: a free-threaded build without the GIL"),
    ],
)
def test_build_and_process_are_told_apart(
    free_threaded: int | None, gil: bool, line: str
) -> None:
    """Q53.A."""
    this = SimpleNamespace(
        get_config_var=lambda _: free_threaded, _is_gil_enabled=lambda: gil
    )
    output = printed(questions.which_python, sys=this, sysconfig=this)
    assert output.startswith(f"{line}\n")


def test_a_finally_block_that_runs_is_seen() -> None:
    """Q53.B: in the same program, except that its thread ends in time."""
    ends = questions.DAEMON.replace("Event().wait()", "pass")
    result = run("-c", ends.replace("daemon=True", "daemon=False"))
    assert "finally" in result.stdout


def test_interpreters_count_the_same_where_there_are_any() -> None:
    """Q53.C."""
    line = "here: interpreters count the same: True\n"
    new = sys.version_info >= (3, 14)
    assert (line in transcript("item53_gil-questions")) == new


WORKING = """
import questions
questions.INPUTS = 10**9, 10**9  # work for longer than the test may take
questions.compute_in_processes()
"""


@linux
def test_workers_end_when_their_parent_is_killed() -> None:
    """Q53.C: the resource tracker, too."""
    with (
        family() as environment,
        subprocess.Popen(
            [sys.executable, "-c", WORKING],
            cwd=FOLDER,
            env=environment,
            stderr=subprocess.DEVNULL,
        ) as script,
    ):
        end, found = time.monotonic() + LIMIT / 2, 0
        while found < 4 and time.monotonic() < end:
            time.sleep(0.01)
            found = len(relatives(environment["FAMILY"]))
        script.kill()
    assert found == 4  # the script, its resource tracker, and both workers


PRESSED = """
import chapter, os, questions, signal

def press():
    yield 36  # a worker process is started, and goes on starting meanwhile
    os.killpg(0, signal.SIGINT)  # as a terminal sends it: to the whole group
    yield 36

chapter.own_signals()
questions.INPUTS = press()
questions.compute_in_processes()
"""


@posix
def test_ctrl_c_ends_the_script_without_a_word() -> None:
    """Q53.C: no traceback of a worker, no warning of a leaked semaphore."""
    result = run("-c", PRESSED, cwd=FOLDER, start_new_session=True)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")
