"""What the answers of item 52 claim, about child processes."""

import gc
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers import (
    ENVIRONMENT,
    LIMIT,
    ROOT,
    here,
    load,
    relatives,
    run,
    run_copy,
)

questions = load("item52_subprocess", "questions")
FOLDER = ROOT / "item52_subprocess"

linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc, FIONREAD")
posix = pytest.mark.skipif(os.name != "posix", reason="signals, groups")


@pytest.fixture(autouse=True)
def no_open_ends() -> Iterator[None]:
    """A child or pipe left behind warns when it is collected: an error."""
    yield
    gc.collect()


def noted_children(
    monkeypatch: pytest.MonkeyPatch,
) -> list[subprocess.Popen[bytes]]:
    """Every child that the answers start from now on."""
    children: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            children.append(self)

    monkeypatch.setattr(questions, "Popen", Noted)
    return children


@linux
def test_a_pipe_holds_less_than_the_child_writes() -> None:
    """Q52.A."""
    (size,) = here("item52_subprocess", "# bytes", "questions")
    assert 4096 <= size < questions.SIZE


@linux
def test_the_child_waits_once_its_pipe_is_full() -> None:
    """Q52.A: the timeout only bounds a wait that can never succeed."""
    import termios
    from fcntl import F_GETPIPE_SZ, fcntl, ioctl

    with subprocess.Popen(questions.WRITE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        size = fcntl(child.stdout, F_GETPIPE_SZ)
        end = time.monotonic() + LIMIT
        filled = 0
        while filled < size and time.monotonic() < end:
            answer = ioctl(child.stdout, termios.FIONREAD, bytes(4))
            filled = int.from_bytes(answer, sys.byteorder)
        assert filled == size
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.1)
        output, _ = child.communicate(timeout=LIMIT)
    assert output == b"x" * questions.SIZE
    assert child.returncode == 0


@linux
def test_a_child_that_nobody_waited_for_is_a_zombie() -> None:
    """Q52.B: poll() takes away what was left of it."""
    result, _ = run_copy("item52_subprocess", "questions")
    assert "here: a child that has ended is Z (zombie)\n" in result.stdout
    assert "here: now it is not in /proc\n" in result.stdout


@linux
def test_a_wait_reaps_as_a_poll_does() -> None:
    """Q52.B."""
    with subprocess.Popen(questions.END) as child:
        questions.await_end(child)
        assert questions.state(child) == "Z (zombie)"
        assert child.wait(LIMIT) == 0
        assert questions.state(child) == "not in /proc"


def test_popen_warns_of_a_child_not_waited_for_though_it_has_ended() -> None:
    """Q52.B."""
    assert questions.warnings_of(questions.drop_a_child) == [
        "ResourceWarning: subprocess N is still running"
    ]


def test_a_with_block_waits_for_its_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q52.B: so nothing warns."""
    children = noted_children(monkeypatch)
    assert questions.warnings_of(questions.keep_a_child) == []
    assert [child.returncode for child in children] == [0]


@posix
def test_the_child_has_ended_when_its_own_child_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q52.C: only then does its answer show that terminate() missed it."""
    statuses = []
    answers = questions.answers

    def noted(child: subprocess.Popen[bytes], pipe: Any) -> bool:
        statuses.append(child.returncode)
        return bool(answers(child, pipe))

    monkeypatch.setattr(questions, "answers", noted)
    questions.stop_a_family()
    assert statuses == [None, -signal.SIGTERM, None]


@posix
@pytest.mark.parametrize("good_ones", [0, 1, 2])
def test_an_error_leaves_no_family_behind(
    good_ones: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Q52.C."""
    answers = iter([True] * good_ones)
    children = noted_children(monkeypatch)
    monkeypatch.setattr(questions, "answers", lambda *_: next(answers))
    with pytest.raises(StopIteration):
        questions.stop_a_family()
    for child in children:
        assert child.returncode is not None
        assert child.stdout is not None
        assert child.stdout.closed


@posix
def test_somebody_left_of_the_group_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q52.C: that both are gone is no claim that holds by itself."""
    child, pipe = questions.start_family(process_group=0)
    with child, pipe:
        assert questions.answers(child, pipe)
        child.kill()
        monkeypatch.setattr(questions, "PATIENCE", 0.1)
        with pytest.raises(subprocess.TimeoutExpired):
            questions.gone(child)
        monkeypatch.setattr(questions, "PATIENCE", LIMIT)
        # Its leader is a zombie by now, but it is there yet.
        assert questions.stop_group(child) == "killpg"
        assert questions.gone(child)
        end = time.monotonic() + LIMIT
        with pytest.raises(BrokenPipeError):  # nobody reads, nor do we
            while time.monotonic() < end:
                pipe.write(b"?\n")
                time.sleep(0.01)


PRESSED = """
import os, questions, signal, sys
sys.path.append("..")
from tests.helpers import relatives

def press(child):
    os.killpg(child.pid, 0)  # the group is there
    print(len(relatives(os.environ["TOKEN"])), flush=True)
    os.kill(os.getpid(), signal.SIGINT)

questions.stop_group = press
signal.signal(signal.SIGINT, lambda *_: os._exit(130))
questions.main(["C"])
"""


@posix
def test_ctrl_c_ends_the_group_that_it_does_not_reach() -> None:
    """Q52.C: also the child's child, of which nobody knows the number."""
    token = uuid.uuid4().hex
    environment = {**ENVIRONMENT, "TOKEN": token}
    result = run("-c", PRESSED, cwd=FOLDER, env=environment)
    assert result.returncode == 130
    assert result.stderr == ""
    *_, answer, family = result.stdout.splitlines()
    assert answer == "both in a new group, it answers: True"
    if sys.platform == "linux":
        assert family == "3"
    end = time.monotonic() + LIMIT
    while relatives(token):
        assert time.monotonic() < end
        time.sleep(0.01)
