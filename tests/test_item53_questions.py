"""What the answers of item 53 claim, about the GIL."""

import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import uuid

import pytest

from tests.helpers import (
    ENVIRONMENT,
    LIMIT,
    ROOT,
    load,
    relatives,
    run,
    run_copy,
)

questions = load("item53_gil", "questions")
FOLDER = ROOT / "item53_gil"

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.mark.parametrize(
    ("free_threaded", "gil", "line"),
    [
        (None, True, "here: a build with the GIL"),
        (1, True, "here: a free-threaded build with the GIL"),
        (1, False, "here: a free-threaded build without the GIL"),
    ],
)
def test_build_and_process_are_told_apart(
    free_threaded: int | None,
    gil: bool,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Q53.A."""
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _: free_threaded)
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: gil, raising=False)
    questions.which_python()
    assert capsys.readouterr().out.splitlines()[0] == line


def test_this_python_describes_its_build_in_another_way_alike() -> None:
    """Q53.A: by its version."""
    result, _ = run_copy("item53_gil-questions")
    free_threaded = "free-threading build" in sys.version
    assert ("here: a free-threaded build" in result.stdout) == free_threaded


def test_every_thread_ends_that_is_asked_to() -> None:
    """Q53.B: and only asked does it end."""
    before = threading.active_count()
    questions.ask_a_thread()
    assert threading.active_count() == before


def test_a_finally_block_that_runs_is_seen() -> None:
    """Q53.B: in the same program, but that its thread ends in time."""
    ends = questions.DAEMON.replace("Event().wait()", "pass")
    result = run("-c", ends.replace("daemon=True", "daemon=False"))
    assert "finally" in result.stdout


def test_interpreters_count_the_same_where_there_are_any() -> None:
    """Q53.C."""
    result, _ = run_copy("item53_gil-questions")
    new = sys.version_info >= (3, 14)
    how = (
        "interpreters count the same: True"
        if new
        else "this Python has no pools of interpreters"
    )
    assert f"here: {how}\n" in result.stdout


WORKING = """
import questions
questions.INPUTS = 10**9, 10**9  # work for longer than the test may take
questions.compute_in_processes()
"""


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_when_their_parent_is_killed(number: int) -> None:
    """Q53.C: the resource tracker, too, which says what it cleans up."""
    token = uuid.uuid4().hex
    environment = {**ENVIRONMENT, "TOKEN": token}
    command = sys.executable, "-c", WORKING
    end = time.monotonic() + LIMIT / 2
    with subprocess.Popen(
        command, cwd=FOLDER, env=environment, stderr=subprocess.DEVNULL
    ) as script:
        try:
            while len(relatives(token)) < 4:  # it, tracker and workers
                assert time.monotonic() < end
                time.sleep(0.01)
        finally:
            script.send_signal(number)
    try:
        while relatives(token):
            assert time.monotonic() < end
            time.sleep(0.01)
    finally:
        for process in relatives(token):
            os.kill(int(process), signal.SIGKILL)


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


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_ctrl_c_ends_the_script_without_a_word() -> None:
    """Q53.C: no traceback of a worker, no warning of a leaked semaphore."""
    result = run("-c", PRESSED, cwd=FOLDER, start_new_session=True)
    assert result.stderr == ""
    assert result.returncode == 130
    assert result.stdout == ""
