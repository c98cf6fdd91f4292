"""What the answer of item 57 claims, beyond what its transcript shows."""

import threading

import pytest

from tests.helpers import late, load, printed

answer = load("item57_threads", "questions").exception_that_went


def test_a_thread_that_fails_late_is_waited_for() -> None:
    """Q57.A: join() returns once the hook has been called, not before."""
    assert printed(answer, Thread=late(0.05)) == printed(answer)


def test_the_hook_is_put_back_even_after_an_error() -> None:
    """Q57.A: here, the error is that None cannot be called."""
    hook = threading.excepthook
    with pytest.raises(TypeError):
        printed(answer, ThreadPoolExecutor=None)
    assert threading.excepthook is hook
