"""What the answers of item 52 claim, about child processes."""

import sys
import time
import uuid
from typing import Any

import pytest

from tests.helpers import (
    ENVIRONMENT,
    LIMIT,
    ROOT,
    load,
    relatives,
    run,
    run_copy,
)

questions = load("item52_subprocess", "questions")

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def test_the_child_waits_for_its_reader_however_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Q52.A: it is not a slow start that keeps it from ending."""
    monkeypatch.setattr(questions, "TIMEOUT", 1.0)
    questions.wait_and_communicate()
    assert "wait: TimeoutExpired after 1.0 s\n" in capsys.readouterr().out


@linux
def test_a_child_is_a_zombie_until_its_parent_waits() -> None:
    """Q52.B."""
    result, _ = run_copy("item52_subprocess-questions")
    assert "here: a child that has ended is Z (zombie)\n" in result.stdout
    assert "for is not in /proc\n" in result.stdout


def test_the_child_has_ended_when_its_own_child_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q52.C: only then does an answer show that terminate() missed it."""
    ended = []
    answers = questions.answers

    def noted(child: Any) -> bool:
        ended.append(child.returncode is not None)
        return bool(answers(child))

    monkeypatch.setattr(questions, "answers", noted)
    questions.stop_a_family()
    assert ended == [False, True, False, True]


KILLED = """
import os, questions, signal, sys
sys.path.append("..")
from tests.helpers import relatives

def kill(child):
    print(len(relatives(os.environ["TOKEN"])), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

questions.terminate_group = kill
questions.stop_a_family()
"""


@linux
def test_kill_9_leaves_no_family_behind() -> None:
    """Q52.C: the pipe ends with the script, and its reader with the pipe."""
    token = uuid.uuid4().hex
    environment = {**ENVIRONMENT, "TOKEN": token}
    folder = ROOT / "item52_subprocess"
    result = run("-c", KILLED, cwd=folder, env=environment)
    assert result.stdout.endswith("3\n")  # the script, its child, the child's
    assert result.stderr == ""
    end = time.monotonic() + LIMIT
    while relatives(token):
        assert time.monotonic() < end
        time.sleep(0.01)
