"""What the answers of item 59 claim, beyond what their transcript shows."""

from typing import Any

import pytest

from tests.helpers import late_pool, load, printed

questions = load("item59_pool", "questions")
ANSWERS = [
    demo for letter, demo in questions.QUESTIONS.items() if letter != "D"
]  # which calls a method of the class


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_pool_s_thread_may_start_late(answer: Any) -> None:
    """It is waited for."""
    assert printed(answer, ThreadPoolExecutor=late_pool) == printed(answer)
