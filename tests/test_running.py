"""How every script runs as a command, whatever is around it."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import (
    ENVIRONMENT,
    GOLDEN,
    ITEMS,
    LIMIT,
    SCRIPTS,
    begin,
    each_script,
    family,
    linux,
    load,
    mask,
    own,
    posix,
    run,
)

Result = subprocess.CompletedProcess[str]
ITEM54 = SCRIPTS["item54_lock"]
MOMENTS = int(os.environ.get("MOMENTS", "1"))  # see `make interrupt`


def born_into(code: str, *command: str | Path, **options: object) -> Result:
    """Run a script in a process that runs code first."""
    if os.name != "posix":
        return run(*command, **options)
    become = "os.execv(sys.executable, [sys.executable, '-B', *sys.argv[1:]])"
    code = f"import os, resource, signal, sys\n{code}\n{become}"
    return run("-c", code, *command, **options)


# What a parent may hand down
HARSH = """
for name in "SIGCHLD", "SIGTERM", "SIGHUP", "SIGINT":
    signal.signal(getattr(signal, name), signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
os.close(0)
"""


def wordless(name: str, text: str) -> str:
    """Return a script's transcript without what its docstrings say."""
    item, _, script = name.partition("-")
    module = load(item, script or "main")
    demos = getattr(module, "EXAMPLES", None) or module.QUESTIONS
    for names, demo in demos.items():
        heading, words = module.run.__globals__["describe"](names, demo)
        label = heading.partition(":")[0]
        text = text.replace(heading, f"{label}: {demo.__name__}")
        if words:
            text = text.replace(f"{words}\n\n", "\n")
    return text


def run_harshly(name: str) -> Result:
    """Run a script with -OO, -X dev, ASCII, no stdin, no signals, no PATH."""
    command = "-OO", "-X", "dev", "-W", "error", SCRIPTS[name]
    environment = {**ENVIRONMENT, "LC_ALL": "C", "PYTHONUTF8": "0", "PATH": ""}
    return born_into(HARSH, *command, env=environment)


@each_script(run_harshly)
def test_harsh_conditions_change_nothing(name: str) -> None:
    """Under -OO, a name takes a title's place; no PATH means no openssl."""
    result = begin(run_harshly, name).result()
    # Under -X dev, a loop reports what a busy machine makes slow.
    stderr = re.sub(r"(?m)^Executing <.* took .* seconds\n", "", result.stderr)
    assert (stderr, result.returncode) == ("", 0)
    golden = GOLDEN / f"test_transcript[{name}].txt"
    assert mask(result.stdout) == wordless(name, golden.read_text())
    assert ": None" not in result.stdout


def test_several_numbers_run_their_demos_once_in_the_book_s_order() -> None:
    """Whatever the order in which they are given; --help lists them all."""
    stdout = run(ITEM54, "8", "5-3", "1").stdout
    headings = re.findall(r"(?m)^Examples? [-\d]+: .*$", stdout)
    assert [line.split(":")[0][9:] for line in headings] == [
        "1-3",
        "4-5",
        "7-8",
    ]
    stdout = run(ITEM54, "--help").stdout
    lesson = ITEM54.read_text().split('"""')[1].strip()
    assert all(line in stdout for line in [lesson, *headings])


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("item54_lock", "no A here, only 1 to 8\n"),
        ("item54_lock-questions", "no 1-3 here, only A to E\n"),
        ("item57_threads-questions", "no 1-3 here, only A\n"),
    ],
)
def test_what_is_unknown_is_refused_by_name(name: str, error: str) -> None:
    """Exit status 2, and nothing runs; a letter may be small."""
    result = run(SCRIPTS[name], "a", "1-3")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.endswith(error)


def test_a_python_that_is_too_old_is_refused() -> None:
    """Exit status 2, before anything goes wrong."""
    code = (
        "import runpy, sys; sys.version_info = (3, 10, 13)\n"
        "sys.version = '3.10.13'; sys.path.insert(0, '.')\n"
        "runpy.run_path('main.py', run_name='__main__')"
    )
    result = run("-c", code, cwd=ITEM54.parent)
    assert result.returncode == 2
    assert result.stderr == "needs Python 3.11 or newer, not 3.10.13\n"


def test_importing_scripts_prints_nothing_and_starts_nothing() -> None:
    """So that any script is a module as well."""
    code = (
        "import runpy, signal, sys, threading\n"
        "for item in sys.argv[1:]:\n"
        "    sys.path.insert(0, item); runpy.run_path(f'{item}/main.py')\n"
        "print(threading.active_count(), signal.getsignal(signal.SIGINT))"
    )
    expected = "1 <built-in function default_int_handler>\n"
    result = run("-c", code, *ITEMS, cwd=ITEM54.parent.parent)
    assert result.stdout == expected


def end_with(number: int, name: str, moment: float, *, group: bool) -> None:
    """Send a script a signal after some seconds; check how it ends."""
    with family() as environment:
        process = subprocess.Popen(
            [sys.executable, "-B", SCRIPTS[name]],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        time.sleep(moment)
        (os.killpg if group else os.kill)(process.pid, number)
        stdout, stderr = process.communicate(timeout=LIMIT)
    stderr = own(stderr)
    if number != signal.SIGINT:
        assert process.returncode in (-number, 0)
    elif stderr:  # Python was starting, and may even have ignored it
        assert stdout == "" or stderr.startswith("Exception ignored")
    else:
        assert process.returncode in (130, 0, -number)


def end(name: str) -> None:
    """End a script by signals, at several moments."""
    for turn in range(MOMENTS):
        moment = 0.05 + 0.8 * (turn + random.random()) / max(MOMENTS, 2)
        end_with(signal.SIGINT, name, moment, group=True)
        end_with(signal.SIGKILL, name, moment, group=False)
    if MOMENTS > 1:
        end_with(signal.SIGINT, name, 0.3, group=False)
        end_with(signal.SIGTERM, name, 0.3, group=False)


@posix
@each_script(end)
def test_however_a_script_ends_no_process_is_left(name: str) -> None:
    """Ctrl-C means exit status 130, and no traceback."""
    begin(end, name).result()


TALKERS = (
    "item52_subprocess",
    "item55_queue",
    "item56_life",
    "item60_coroutines",
)


@pytest.mark.parametrize(
    ("flag", "name"), [("-B", "item54_lock"), *(("-u", n) for n in TALKERS)]
)
def test_a_closed_pipe_is_met_in_silence(flag: str, name: str) -> None:
    """As after `| head -1`: by children, threads, a peer, and tasks.

    Without -u, whatever was printed is written later.
    """
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as nobody_reads:
        result = run(flag, SCRIPTS[name], stdout=nobody_reads)
    assert (result.stderr, result.returncode) == ("", 1)


@linux
def test_a_full_disk_is_an_error_with_its_reason() -> None:
    """It is not taken for a closed pipe."""
    with open("/dev/full", "w") as full:
        result = run(ITEM54, stdout=full)
    assert result.returncode != 0
    assert "No space left on device" in result.stderr


def test_a_demo_s_own_broken_pipe_is_an_error_with_its_reason() -> None:
    """Only stdout's means that nobody reads on."""
    code = (
        "import chapter\n"
        "def demo(): raise BrokenPipeError(32, 'a pipe of a child')\n"
        "chapter.run('', {'A': demo})"
    )
    result = run("-c", code, cwd=ITEM54.parent)
    assert result.returncode == 1
    assert "a pipe of a child" in result.stderr


@posix
def test_what_is_opened_is_not_taken_for_stdin_stdout_or_stderr() -> None:
    """Not even by an interpreter of 3.14, if these are closed."""
    demo = "lambda: [os.fstat(file) for file in range(3)]"
    code = f"import chapter, os; chapter.run('', {{'A': {demo}}})"
    result = born_into("os.closerange(0, 3)", "-c", code, cwd=ITEM54.parent)
    assert result.returncode == 0


@posix
@pytest.mark.skipif(
    not getattr(sys, "_is_gil_enabled", lambda: True)(),
    reason="without the GIL, Thread.start() of 3.13 may wait for ever",
)
@pytest.mark.parametrize("name", ["item55_queue", "item58_queue_refactor"])
def test_a_refused_thread_is_an_error_and_no_hang(name: str) -> None:
    """With room for the stack of one thread, of 128 MB."""
    limit = (
        "resource.setrlimit(resource.RLIMIT_STACK, (2**27, 2**27))\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28))"
    )
    result = born_into(limit, SCRIPTS[name])
    assert result.returncode == 1
    assert result.stderr.endswith("RuntimeError: can't start new thread\n")


@posix
def test_an_interactive_session_keeps_its_ctrl_c() -> None:
    """As after python -i, %run, a debugger, or runpy."""
    ask = "import signal; print(signal.getsignal(signal.SIGINT))\n"
    result = run("-i", ITEM54, "6", stdin=None, input=ask)
    assert "default_int_handler" in result.stdout
    code = (
        f"import runpy, sys; sys.argv = ['', '6']\n"
        f"sys.path.insert(0, {str(ITEM54.parent)!r})\n"
        f"runpy.run_path({str(ITEM54)!r}, run_name='__main__')\n{ask}"
    )
    assert "default_int_handler" in run("-c", code).stdout
