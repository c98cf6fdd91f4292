"""What the answers of item 52 claim, beyond what their transcript shows."""

from typing import Any

from tests.helpers import linux, load, printed, transcript

questions = load("item52_subprocess", "questions")


@linux
def test_a_child_is_a_zombie_until_its_parent_waits() -> None:
    """Q52.B."""
    stdout = transcript("item52_subprocess-questions")
    assert "here: a child that has ended is Z (zombie)\n" in stdout
    assert "for is not in /proc\n" in stdout


def test_the_child_has_ended_when_its_own_child_is_asked_again() -> None:
    """Q52.C: only then does an answer show that terminate() missed it."""
    ended = []
    answers = questions.answers

    def noted(child: Any) -> bool:
        ended.append(child.returncode is not None)
        return bool(answers(child))

    printed(questions.stop_a_family, answers=noted)
    assert ended == [False, True, False, True]
