"""What the answer of item 57 claims, beyond what its transcript shows."""

import threading

from tests.helpers import late, load, printed

answer = load("item57_threads", "questions").exception_that_went


def test_a_thread_that_fails_late_is_waited_for() -> None:
    """Q57.A: join() returns once the hook has been called, not before."""
    hook = threading.excepthook
    assert printed(answer, Thread=late(0.05)) == printed(answer)
    assert threading.excepthook is hook
