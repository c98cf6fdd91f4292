"""What the answer of item 57 claims, beyond what its transcript shows."""

import threading

import pytest

from tests.helpers import late, load

questions = load("item57_threads", "questions")


def test_a_thread_that_fails_late_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Q57.A: join() returns once the hook has been called, not before."""
    questions.exception_that_went()
    expected = capsys.readouterr().out
    monkeypatch.setattr(questions, "Thread", late(0.05))
    questions.exception_that_went()
    assert capsys.readouterr().out == expected


def test_the_hook_is_put_back_even_after_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q57.A: here, the error is that None cannot be called."""
    hook = threading.excepthook
    monkeypatch.setattr(questions, "ThreadPoolExecutor", None)
    with pytest.raises(TypeError):
        questions.exception_that_went()
    assert threading.excepthook is hook
