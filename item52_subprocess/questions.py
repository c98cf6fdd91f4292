"""Item 52: what readers ask next about child processes.

A child that writes waits for its reader, a child that has ended waits for
its parent, and a signal reaches one process, unless it is sent to a group.

    python3 item52_subprocess/questions.py A C    (no letters: every question)
"""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from signal import SIGTERM
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from warnings import catch_warnings, simplefilter

from chapter import run

TIMEOUT = 0.1  # seconds for a child that hangs
PATIENCE = 30.0  # seconds for a child that works
SIZE = 1_000_000  # bytes, more than a pipe holds

Child = Popen[bytes]

# Each child ends by itself or with its pipes, however this script ends.
PYTHON = sys.executable, "-IS", "-c"
END = *PYTHON, "pass"
WRITE = *PYTHON, f"import sys; sys.stdout.write('x' * {SIZE})"
# A child that, like a shell, leaves the work to a child of its own, which
# sends back what it reads.
ECHO = *PYTHON, "import os\nwhile data := os.read(0, 9): os.write(1, data)"
DELEGATE = (
    *PYTHON,
    f"import subprocess; subprocess.run({ECHO}, stdin=0, stdout=1)",
)


def start(command: tuple[str, ...]) -> Child:
    """Start a child on pipes and, on POSIX, out of the reach of Ctrl-C."""
    return Popen(
        command,
        bufsize=0,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        start_new_session=True,
    )


def wait_and_communicate() -> None:
    """Why does my program hang with stdout=PIPE and wait()?"""
    with start(WRITE) as child:
        try:
            child.wait(TIMEOUT)
        except TimeoutExpired as error:
            print(f"wait: {type(error).__name__} after {error.timeout} s")
        output, _ = child.communicate(timeout=PATIENCE)
    print(f"communicate: {len(output)} bytes,", end=" ")
    print(f"exit status {child.returncode}")
    print("A pipe holds fewer bytes (65,536 on Linux): the child waits until")
    print("somebody reads them, and wait() waits for the child. communicate()")
    print("reads while it waits.")


def state(pid: int) -> str:
    """Return the state of a process as /proc has it, where there is /proc."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        return status.partition("State:\t")[2].partition("\n")[0]
    return "not in /proc"


def zombies() -> None:
    """What is a zombie, and "subprocess N is still running"?"""
    with catch_warnings(record=True) as caught:
        simplefilter("always")
        child = Popen(END, start_new_session=True)
        pid = child.pid
        if hasattr(os, "waitid"):  # wait until it has ended, but do not reap
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        print(f"here: a child that has ended is {state(pid)}")
        del child  # nobody has called wait() or poll()
        for warning in caught:
            message = str(warning.message).replace(str(pid), "N")
            print(f"dropped: {warning.category.__name__}: {message}")
        caught.clear()
        with Popen(END, start_new_session=True) as child:
            pass
        print(f"in a with block: exit status {child.returncode},", end=" ")
        print(len(caught), "warnings")
    print(f"here: a child that was waited for is {state(child.pid)}")
    print("A zombie is what remains of a child that has ended: its number and")
    print("its exit status, until its parent asks for them by wait() or")
    print("poll(). A with block waits. The warning means that nobody has")
    print("asked: the child is still running, or a zombie.")


def answers(child: Child) -> bool:
    """Return whether anybody sends back what a child's stdin is sent."""
    assert child.stdin is not None
    assert child.stdout is not None
    with suppress(OSError):  # nobody may be left to read it
        child.stdin.write(b"?")
    return child.stdout.read(1) == b"?"


def terminate_group(child: Child) -> None:
    """Terminate all processes of the group that a child leads."""
    if sys.platform == "win32":  # which has no such groups
        subprocess.run(f"taskkill /F /T /PID {child.pid}", stdout=DEVNULL)
    else:
        os.killpg(child.pid, SIGTERM)


def stop_a_family() -> None:
    """How do I stop a child and everything that it started?"""
    for stop in Popen.terminate, terminate_group:
        with start(DELEGATE) as child:
            print("The child's own child answers:", answers(child), end=", ")
            stop(child)
            child.wait(PATIENCE)
            print(f"after {stop.__name__}(): {answers(child)}")
    print("terminate() reaches one process, os.killpg() a group, such as")
    print("start_new_session=True makes. Ctrl-C in a terminal misses it: let")
    print("it read from a pipe, which ends when your program does.")


QUESTIONS = {
    "A": wait_and_communicate,
    "B": zombies,
    "C": stop_a_family,
}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
