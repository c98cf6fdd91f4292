"""Item 52: what readers ask next about child processes."""

import os
import re
import sys
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from signal import SIGTERM
from subprocess import DEVNULL, PIPE, STDOUT, Popen, TimeoutExpired
from typing import Any
from warnings import catch_warnings

from chapter import run

TIMEOUT = 0.1  # seconds of waiting for what cannot come
PATIENCE = 30.0  # seconds for what comes in a moment

# In a session of its own, a child does not hear Ctrl-C.
OPTIONS: Any = {"stdin": PIPE, "stdout": PIPE, "stderr": DEVNULL}
OPTIONS["start_new_session"] = True
# Each child ends by itself or with its pipes, however this script ends.
PYTHON = sys.executable, "-IS", "-c"
END = *PYTHON, "pass"
WRITE = *PYTHON, "import sys; sys.stdout.write('x' * int(sys.argv[1]))"
# A child that, like a shell, leaves the work to a child of its own, which
# sends back what it reads.
ECHO = *PYTHON, "import os\nwhile data := os.read(0, 9): os.write(1, data)"
SHELL = *PYTHON, f"import subprocess as s; s.run({ECHO}, stdin=0, stdout=1)"


def wait_and_communicate() -> None:
    """Why does my program hang with stdout=PIPE and wait()?

    A pipe holds few bytes, 65,536 on Linux. A child that writes more waits for
    a reader, while wait() waits for the child. communicate() reads meanwhile.
    """
    for size, timeout in (1_000, PATIENCE), (1_000_000, TIMEOUT):
        with Popen([*WRITE, str(size)], **OPTIONS) as child:
            print(f"A child writes {size} bytes:")
            try:
                print("    wait() returns", child.wait(timeout))
            except TimeoutExpired as error:
                print("    wait() raises", type(error).__name__)
            output, _ = child.communicate(timeout=PATIENCE)
        print("    communicate() returns", len(output), "bytes")


def zombies() -> None:
    """What is a zombie, and "subprocess N is still running"?

    A zombie is what remains of a child that has ended until its parent asks,
    by wait() or poll(). The warning says that Popen was dropped before it had
    the exit status. It asks then, and again when another child is started.
    """
    for asked in False, True:
        with catch_warnings(record=True, action="always") as caught:
            child = Popen(END, start_new_session=True)
            pid = child.pid
            if hasattr(os, "waitid"):  # wait until it has ended: do not reap
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            if asked:
                print(f"wait() returns {child.wait(PATIENCE)}")
            status = Path(f"/proc/{pid}/status")
            text = (
                status.read_text(encoding="utf-8") if status.exists() else ""
            )
            found = re.findall("State:(.*)", text) or ["nothing"]
            print("here: in /proc:", found[0].strip())
            del child
        print("warnings when it is dropped:", len(caught))
        for warning in caught:
            text = str(warning.message).replace(str(pid), "N")
            print(f"    {warning.category.__name__}: {text}")


def terminate_group(child: Any) -> None:
    """Terminate all processes of the group that a child leads."""
    if sys.platform == "win32":  # which has no such groups
        Popen(f"taskkill /F /T /PID {child.pid}", stdout=DEVNULL).wait()
    else:
        os.killpg(child.pid, SIGTERM)


def stop_a_family() -> None:
    """How do I stop a child and everything that it started?

    terminate() reaches one process, os.killpg() those of a group, such as
    start_new_session=True makes; Ctrl-C in a terminal then misses them. What
    reads your program's pipe to its end exits with it, whatever its session.
    """

    def answers(child: Any) -> bool:
        with suppress(OSError):  # nobody may be left to read it
            child.stdin.write(b"?")
        return b"?" in child.stdout.read(1)

    for stop in Popen.terminate, terminate_group:
        with Popen(SHELL, bufsize=0, **OPTIONS) as child:
            if not answers(child):
                raise ChildProcessError("the child has no child")
            stop(child)
            child.wait(PATIENCE)
            print(f"After {stop.__name__}() and wait(),", end=" ")
            print("the child's own child answers:", answers(child))


# A child that speaks, and then lives on until its stdin ends.
TALK = """
import sys
print("step 1")
print("a warning", file=sys.stderr)
print("step 2")
print("waiting", file=sys.stderr)
sys.stdin.read()
"""


def output_while_it_runs() -> None:
    """How do I see a child's output while it runs?

    Line by line. A child that prints into a pipe keeps 8 KiB back (128 since
    3.14), without print(flush=True) or python3 -u; stderr comes line by line.
    Two pipes lose the order between the two; -u and stderr=STDOUT keep it.
    """
    options = {**OPTIONS, "stderr": STDOUT, "encoding": "utf-8"}
    for name, flags in ("python3", "-IS"), ("python3 -u", "-ISu"):
        command = sys.executable, flags, "-c", TALK
        with Popen(command, **options) as child:
            lines = map(str.strip, child.stdout or ())
            early = [*takewhile(lambda line: line != "waiting", lines)]
            late = child.communicate()[0].splitlines()
        if child.returncode:
            raise ChildProcessError(f"exit status {child.returncode}")
        print(f"{name}: {early} while it runs, {late} at its end")
    with Popen(command, **{**options, "stderr": PIPE}) as child:
        print("Two pipes:", *map(str.splitlines, child.communicate()))


QUESTIONS = {
    "A": wait_and_communicate,
    "B": zombies,
    "C": stop_a_family,
    "D": output_while_it_runs,
}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
