"""What the answers of item 53 claim, about the GIL."""

import os
import signal
import sys
import threading
import time

import pytest

from tests.helpers import LIMIT, ROOT, here, load, run, run_copy

questions = load("item53_gil", "questions")
FOLDER = ROOT / "item53_gil"


@pytest.mark.parametrize(
    ("free_threaded", "gil", "build", "threads"),
    [
        (False, True, "a build with the GIL", "take turns"),
        (True, True, "free-threaded build with the GIL", "take turns"),
        (True, False, "free-threaded build, without", "run at once"),
    ],
)
def test_build_and_state_say_what_threads_do(
    free_threaded: bool, gil: bool, build: str, threads: str
) -> None:
    """Q53.A."""
    name, expected = questions.meaning(free_threaded, gil)
    assert build in name
    assert expected == threads


def test_this_python_is_called_by_its_version_and_its_build() -> None:
    """Q53.A: asked in another way, the build says so in its version."""
    (version,) = here("item53_gil", "Python #, a", "questions")
    major, minor, *_ = sys.version_info
    assert str(version) == f"{major}.{minor}"
    build = "a free-threaded build" if "free-thr" in sys.version else "a build"
    result, _ = run_copy("item53_gil", "questions")
    assert f"here: Python {version}, {build} with" in result.stdout.replace(
        ", without", " without"
    )


def test_before_3_13_there_is_always_a_gil() -> None:
    """Q53.A."""
    ask = getattr(sys, "_is_gil_enabled", None)
    assert questions.gil_enabled() is (ask() if ask else True)


def test_a_thread_that_looks_does_not_end_its_pause_first() -> None:
    """Q53.B: up to 0.008 s was measured, on a busy machine."""
    seconds, pause = here(
        "item53_gil", "in # s, out of a pause of # s", "questions"
    )
    assert 0 < seconds < questions.PATIENCE < pause


def test_every_thread_that_was_asked_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Q53.B."""
    monkeypatch.setattr(questions, "TIMEOUT", 0.01)
    before = threading.active_count()
    questions.ask_a_thread()
    assert threading.active_count() == before
    assert "waits in get() has ended: False" in capsys.readouterr().out


def test_a_thread_in_get_has_its_time_to_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Q53.B: if it could, that would be seen; and no thread keeps us here."""

    class Inbox:
        def get(self) -> None:
            time.sleep(0.05)

        def put(self, _: object) -> None:
            pass

    class Noted(threading.Thread):
        def start(self) -> None:
            started.append(self)
            super().start()

    started: list[threading.Thread] = []
    monkeypatch.setattr(questions, "SimpleQueue", Inbox)
    monkeypatch.setattr(questions, "Thread", Noted)
    monkeypatch.setattr(questions, "TIMEOUT", LIMIT)
    questions.ask_a_thread()
    assert "waits in get() has ended: True" in capsys.readouterr().out
    assert [thread.daemon for thread in started] == [True, True]


def test_a_daemon_thread_s_finally_does_not_run() -> None:
    """Q53.B: though the program ends as usual."""
    result = run("-c", questions.DAEMON)
    assert result.stdout == "end of the program\n"
    assert result.stderr == ""
    assert result.returncode == 0


def test_a_thread_that_is_no_daemon_is_waited_for() -> None:
    """Q53.B: the same program, but that it lets its thread end."""
    ends = questions.DAEMON.replace("Event().wait()", "pass")
    result = run("-c", ends.replace("daemon=True", "daemon=False"))
    assert "finally" in result.stdout


def test_workers_import_the_script_under_another_name() -> None:
    """Q53.C: which the guard tells from the first."""
    result, _ = run_copy("item53_gil", "questions")
    assert "here: it is __mp_main__ there\n" in result.stdout


def test_the_default_start_method_is_that_of_version_and_system() -> None:
    """Q53.C."""
    if sys.platform in ("win32", "darwin"):
        expected = "spawn"
    else:
        expected = "forkserver" if sys.version_info >= (3, 14) else "fork"
    result, _ = run_copy("item53_gil", "questions")
    line = f"here: the default start method is {expected}\n"
    assert line in result.stdout


def test_interpreters_count_the_same_where_there_are_any() -> None:
    """Q53.C."""
    result, _ = run_copy("item53_gil", "questions")
    counts = " ".join(
        str(questions.count_factors(number)[0]) for number in questions.INPUTS
    )
    assert f"processes, a GIL for each, count: {counts}\n" in result.stdout
    assert (
        f"a GIL for each, count: {counts}\n"
        if sys.version_info >= (3, 14)
        else "come with Python 3.14"
    ) in result.stdout.rpartition("here: ")[2]


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_ctrl_c_comes_after_the_workers_are_on_record() -> None:
    """Q53.C: the signal waits as long as it is held.

    It is for this thread: pytest has others, which do not hold it.
    """
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(len(heard)))
    try:
        with questions.ctrl_c_held():
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
            assert heard == []
        assert heard == [0]
    finally:
        signal.signal(signal.SIGINT, before)


PRESSED = """
import contextlib, os, questions, signal, sys
held = questions.ctrl_c_held

@contextlib.contextmanager
def pressed():
    if sys.argv[1] == "before the workers":
        os.kill(os.getpid(), signal.SIGINT)
        assert False, "it went on"
    with held():
        yield
    assert len(questions.active_children()) == 2
    os.kill(os.getpid(), signal.SIGINT)

questions.ctrl_c_held = pressed
questions.INPUTS = 10**9, 10**9  # work for longer than it may take
try:
    questions.main(["C"])
finally:
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
@pytest.mark.parametrize("moment", ["before the workers", "at their work"])
def test_ctrl_c_kills_the_workers(moment: str) -> None:
    """Q53.C: run() returns when the last of them has closed stderr."""
    result = run("-c", PRESSED, moment, cwd=FOLDER, timeout=LIMIT)
    assert result.stderr == ""
    assert result.returncode == 130
    assert result.stdout.count("\n") == 1  # the question
