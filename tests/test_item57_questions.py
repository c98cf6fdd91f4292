"""The claims of item 57's answer, beyond what the transcript shows."""

import threading
import time

import pytest

from tests.helpers import load

questions = load("item57_threads", "questions")


def test_a_thread_that_fails_late_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Q57.A: join() returns once the hook has been called, not before."""
    fail = questions.fail

    def fail_late() -> None:
        time.sleep(0.05)
        fail()

    monkeypatch.setattr(questions, "fail", fail_late)
    questions.exception_that_went()
    output = capsys.readouterr().out
    assert "excepthook got OSError: no I/O in Thread A\n" in output
    assert "the hook was called 0 times\n" in output
    assert "MainThread: OSError: no I/O in Pool_0\n" in output


def refuse(*_: object) -> None:
    """Raise what a system raises that has no threads left."""
    raise RuntimeError("can't start new thread")


def test_the_hook_is_put_back_even_after_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q57.A."""
    hook = threading.excepthook
    questions.exception_that_went()
    assert threading.excepthook is hook
    monkeypatch.setattr(questions, "ThreadPoolExecutor", refuse)
    with pytest.raises(RuntimeError):
        questions.exception_that_went()
    assert threading.excepthook is hook
