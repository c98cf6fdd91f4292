"""What the answers of item 53 claim, beyond what their transcript shows."""

import subprocess
import sys
import time

from tests.helpers import LIMIT, ROOT, family, linux, posix, relatives, run

FOLDER = ROOT / "item53_gil"
WORKING = """
import questions
questions.INPUTS = 10**9, 10**9  # work for longer than the test may take
questions.compute_in_processes()
"""


@linux
def test_workers_end_when_their_parent_is_killed() -> None:
    """The resource tracker, too."""
    with (
        family() as environment,
        subprocess.Popen(
            [sys.executable, "-c", WORKING],
            cwd=FOLDER,
            env=environment,
            stderr=subprocess.DEVNULL,
        ) as script,
    ):
        end, found = time.monotonic() + LIMIT / 2, 0
        while found < 4 and time.monotonic() < end:
            time.sleep(0.01)
            found = len(relatives(environment["FAMILY"]))
        script.kill()
    assert found == 4  # the script, its resource tracker, and both workers


PRESSED = """
import builtins, chapter, os, questions, signal

def press(*arguments, **options):  # workers are just starting
    os.killpg(0, signal.SIGINT)  # as a terminal sends it: to the whole group
    return builtins.zip(*arguments, **options)

chapter.own_signals()
questions.zip = press
questions.compute_in_processes()
"""


@posix
def test_ctrl_c_ends_the_script_without_a_word() -> None:
    """No traceback of a worker, no warning of a leaked semaphore."""
    result = run("-c", PRESSED, cwd=FOLDER, start_new_session=True)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")
