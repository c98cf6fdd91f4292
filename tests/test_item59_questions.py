"""What the answers of item 59 claim, beyond what their transcript shows."""

from typing import Any

import pytest

from tests.helpers import late_pool, load, printed

questions = load("item59_pool", "questions")


@pytest.mark.parametrize("answer", questions.QUESTIONS.values())
def test_a_pool_s_thread_may_start_late(answer: Any) -> None:
    """Q59.A, Q59.B: it is waited for."""
    assert printed(answer, ThreadPoolExecutor=late_pool) == printed(answer)
