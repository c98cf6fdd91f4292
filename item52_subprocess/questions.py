"""Item 52: what readers ask next about child processes.

Why a program waits for ever for a child that writes, what a zombie is, and
how to stop a child together with all that it started.

    python3 item52_subprocess/questions.py          every question
    python3 item52_subprocess/questions.py A C      only these
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import re
import subprocess
import sys
import warnings
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from time import sleep
from typing import IO, Any

TIMEOUT = 0.1  # seconds for a child that hangs
PATIENCE = 30.0  # seconds for a child that works
SIZE = 1_000_000  # bytes, more than a pipe holds

# Children that only speak or sleep are Python, which every machine has.
PYTHON = sys.executable, "-IS", "-c"

# Each child ends by itself, or when its pipe to this script does: none of them
# outlives it. What they say on stderr when Ctrl-C comes helps nobody: DEVNULL.
WRITE = *PYTHON, f"import sys; sys.stdout.write('x' * {SIZE})"
END = *PYTHON, "pass"
# It leaves the work to a child of its own, as a shell does. That one gives
# back every line that it gets, and ends when it can get no more.
DELEGATE_CODE = """
import subprocess, sys
subprocess.run(sys.argv[1:], stdin=0, stdout=1)
"""
ECHO = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
DELEGATE = *PYTHON, DELEGATE_CODE, *PYTHON, ECHO


def capacity(pipe: IO[bytes]) -> str:
    """How much a pipe holds, if this system tells."""
    try:
        from fcntl import F_GETPIPE_SZ, fcntl

        return f"{fcntl(pipe, F_GETPIPE_SZ)} bytes"
    except (ImportError, OSError):
        return "an unknown number of bytes"


def wait_and_communicate() -> None:
    """Why does my program hang with stdout=PIPE and wait()?"""
    with Popen(WRITE, stdout=PIPE, stderr=DEVNULL) as child:
        assert child.stdout is not None
        try:
            child.wait(TIMEOUT)
        except TimeoutExpired as error:
            print(f"wait: {type(error).__name__}, where it would never return")
        print(f"The child has {SIZE} bytes to write. It waits until somebody")
        print("reads them, since a pipe holds less:")
        print(f"here: {capacity(child.stdout)}")
        output, _ = child.communicate(timeout=PATIENCE)
    print("communicate, which reads while it waits:", end=" ")
    print(f"{len(output)} bytes, exit status {child.returncode}")


def await_end(child: Popen[bytes]) -> None:
    """Wait until a child has ended, without reaping it."""
    if hasattr(os, "waitid"):  # else it ends a moment later
        with suppress(ChildProcessError):  # where SIGCHLD is ignored
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)


def state(child: Popen[bytes]) -> str:
    """What /proc says of a child, if there is /proc."""
    with suppress(OSError):
        status = Path(f"/proc/{child.pid}/status").read_text()
        return status.partition("State:\t")[2].partition("\n")[0]
    return "not in /proc"


def warnings_of(function: Callable[[], None]) -> list[str]:
    """What function makes Popen warn of, with N for the child's number."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    messages = [f"{item.category.__name__}: {item.message}" for item in caught]
    return [
        re.sub(r"\d+", "N", text) for text in messages if "subprocess" in text
    ]


def drop_a_child() -> None:
    """Start a child, and forget it once it has ended."""
    await_end(Popen(END, stderr=DEVNULL))


def keep_a_child() -> None:
    """Start a child in a with block, which waits for it at its end."""
    with Popen(END, stderr=DEVNULL):
        pass


def zombies() -> None:
    """What is a zombie, and "subprocess N is still running"?"""
    with Popen(END, stderr=DEVNULL) as child:
        await_end(child)
        print(f"here: a child that has ended is {state(child)}")
        while child.poll() is None:  # not for long
            sleep(0.01)
        print(f"poll: exit status {child.returncode}")
        print(f"here: now it is {state(child)}")
    print("A zombie is what is left of a child that has ended: its number and")
    print("its exit status, until its parent asks by poll() or wait().")
    print("Popen dropped:", *warnings_of(drop_a_child))
    print("It had ended; the warning means that nobody had asked.")
    print("Popen in a with block:", len(warnings_of(keep_a_child)), "warnings")


def start_family(**options: Any) -> tuple[Popen[bytes], IO[bytes]]:
    """A child, and the pipe to the child that it starts."""
    options |= {"stdin": PIPE, "stdout": PIPE, "stderr": DEVNULL}
    child = Popen(DELEGATE, bufsize=0, **options)
    assert child.stdin is not None
    pipe, child.stdin = child.stdin, None  # communicate() would close it
    return child, pipe


def answers(child: Popen[bytes], pipe: IO[bytes]) -> bool:
    """Whether the child's child gives back what it reads from the pipe."""
    assert child.stdout is not None
    pipe.write(b"?\n")
    return child.stdout.readline() == b"?\n"


def stop_group(child: Popen[bytes]) -> str:
    """Stop all processes of the group that child leads; say how."""
    if sys.platform == "win32":  # has no such groups, but knows who began whom
        command = "taskkill", "/F", "/T", "/PID", str(child.pid)
        subprocess.run(command, stdout=DEVNULL)
        return "taskkill /T: no process groups on Windows"
    os.killpg(child.pid, signal.SIGTERM)
    return "killpg"


def gone(child: Popen[bytes]) -> bool:
    """Wait until nobody is left who could write; TimeoutExpired if not."""
    return not child.communicate(timeout=PATIENCE)[0]


def stop_a_family() -> None:
    """How do I stop a child and everything that it started?"""
    child, pipe = start_family()
    with child, pipe:
        print("the child's own child answers:", answers(child, pipe))
        child.terminate()
        child.wait(PATIENCE)
        print("after terminate() it still answers:", answers(child, pipe))
        pipe.close()
        print("its pipe is closed, both are gone:", gone(child))

    child, pipe = start_family(process_group=0)
    with child, pipe:
        print("both in a new group, it answers:", answers(child, pipe))
        print(f"here: stopped by {stop_group(child)}")
        print("the group is stopped, both are gone:", gone(child))
    print("terminate() and kill() reach one process, killpg() a whole group.")
    print("Ctrl-C in a terminal does not reach a new group: a child of yours")
    print("that reads from a pipe of yours sees the end of your program, too.")


QUESTIONS = {
    "A": wait_and_communicate,
    "B": zombies,
    "C": stop_a_family,
}


def main(arguments: Sequence[str]) -> None:
    """Answer the questions with these letters, or all of them."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("letters", nargs="*", type=str.upper, metavar="LETTER")
    chosen = set(parser.parse_args(arguments).letters)
    if unknown := chosen - set(QUESTIONS):
        parser.error(
            f"no question {min(unknown)}: only {', '.join(QUESTIONS)}"
        )
    try:
        for letter, demo in QUESTIONS.items():
            if not chosen or letter in chosen:
                print(f"{letter}: {demo.__doc__}")
                demo()
                print(flush=True)
    except BrokenPipeError:  # nobody reads on, as after `| head -1`
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to end
