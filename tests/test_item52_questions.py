"""What the answers of item 52 claim, beyond what their transcript shows."""

from typing import Any

from tests.helpers import ROOT, family, linux, load, printed, run, run_copy

questions = load("item52_subprocess", "questions")


def test_the_child_waits_for_its_reader_however_long() -> None:
    """Q52.A: it is not a slow start that keeps it from ending."""
    output = printed(questions.wait_and_communicate, TIMEOUT=1.0)
    assert "wait: TimeoutExpired after 1.0 s\n" in output


@linux
def test_a_child_is_a_zombie_until_its_parent_waits() -> None:
    """Q52.B."""
    result, _ = run_copy("item52_subprocess-questions")
    assert "here: a child that has ended is Z (zombie)\n" in result.stdout
    assert "for is not in /proc\n" in result.stdout


def test_the_child_has_ended_when_its_own_child_is_asked_again() -> None:
    """Q52.C: only then does an answer show that terminate() missed it."""
    ended = []
    answers = questions.answers

    def noted(child: Any) -> bool:
        ended.append(child.returncode is not None)
        return bool(answers(child))

    printed(questions.stop_a_family, answers=noted)
    assert ended == [False, True, False, True]


KILLED = """
import os, questions, signal
questions.terminate_group = lambda child: os.kill(os.getpid(), signal.SIGKILL)
questions.stop_a_family()
"""


@linux
def test_kill_9_leaves_no_family_behind() -> None:
    """Q52.C: the pipe ends with the script, and its reader with the pipe."""
    with family() as environment:
        result = run(
            "-c", KILLED, cwd=ROOT / "item52_subprocess", env=environment
        )
    assert result.returncode < 0
