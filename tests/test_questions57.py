"""The claims of item 57's answer, about exceptions in threads."""

import gc
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import pytest

from tests.helpers import load

questions = load("item57_threads", "questions")


def test_join_raises_nothing_and_the_hook_runs_in_the_thread_that_dies() -> (
    None
):
    """Q57.A: it does not bring the exception to another thread."""
    with questions.hooked() as told:
        thread = Thread(target=questions.fail, name="the one")
        thread.start()
        thread.join()
    assert told == ["the one: OSError: no I/O in the one"]


def test_a_thread_that_fails_late_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Q57.A: join() returns when the hook was told, not before."""
    fail = questions.fail

    def fail_late() -> None:
        time.sleep(0.05)
        fail()

    monkeypatch.setattr(questions, "fail", fail_late)
    questions.exception_that_went()
    assert "called in Thread A: OSError: no I/O" in capsys.readouterr().out


def test_the_default_hook_prints_a_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Q57.A: so that nobody but a reader of stderr is told."""
    before = threading.excepthook
    threading.excepthook = threading.__excepthook__
    try:
        thread = Thread(target=questions.fail, name="the one")
        thread.start()
        thread.join()
    finally:
        threading.excepthook = before
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert stderr.startswith("Exception in thread the one:\nTraceback")
    assert stderr.endswith("OSError: no I/O in the one\n")


@pytest.mark.parametrize("error", [None, KeyError("k")])
def test_the_hook_is_put_back(error: Exception | None) -> None:
    """Q57.A: also after an error."""
    before = threading.excepthook
    try:
        with questions.hooked():
            assert threading.excepthook is not before
            if error:
                raise error
    except KeyError:
        pass
    assert threading.excepthook is before


def test_result_raises_the_thread_s_own_exception_in_the_caller() -> None:
    """Q57.A: each time it is asked, and with the thread's frames."""
    with questions.hooked() as told, ThreadPoolExecutor(1, "Pool") as pool:
        future = pool.submit(questions.fail)
    assert told == []
    for _ in range(2):
        with pytest.raises(OSError, match="no I/O in Pool_0") as caught:
            future.result()
        assert caught.value is future.exception()
        assert caught.traceback[-1].name == "fail"


def test_nobody_hears_of_the_exception_of_a_future_that_nobody_asks(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Q57.A: not even when the future goes."""
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    with questions.hooked() as told, ThreadPoolExecutor(1) as pool:
        pool.submit(questions.fail)
    gc.collect()
    assert told == unraisable == []
    assert capfd.readouterr() == ("", "")
