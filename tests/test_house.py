"""The rules that hold for every item, and for the repository."""

import ast
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from tests.helpers import (
    ENVIRONMENT,
    ITEMS,
    LIMIT,
    ROOT,
    load,
    mask,
    run,
    run_copy,
)

EXAMPLES = {
    "item52_subprocess": 11,
    "item53_gil": 9,
    "item54_lock": 8,
    "item55_queue": 24,
    "item56_life": 9,
    "item57_threads": 5,
    "item58_queue_refactor": 11,
    "item59_pool": 4,
    "item60_coroutines": 6,
}
MARK = re.compile(r" *# Example (\d+)")

# What several items define has the same text in all of them, but for what
# each item must have of its own, and for what an item changes:
EACH_ITEMS_OWN = {"__doc__", "EXAMPLES"}
INTENDED_DIFFERENCES = {
    # Children are reaped on the way out, so Ctrl-C must raise there
    ("item52_subprocess", "the guard"),
    # async, await
    ("item60_coroutines", "Logic"),
    ("item60_coroutines", "Count"),
    ("item60_coroutines", "Step"),
    ("item60_coroutines", "game_logic"),
    ("item60_coroutines", "step_cell"),
    ("item60_coroutines", "simulate"),
    ("item60_coroutines", "generations"),
    ("item60_coroutines", "ask"),
    ("item60_coroutines", "game_logic_with_io"),
    ("item60_coroutines", "count_neighbors_with_io"),
}

Result = TypeVar("Result")
each_item = pytest.mark.parametrize("item", ITEMS)
posix = pytest.mark.skipif(
    os.name != "posix", reason="signals and shells are those of POSIX"
)


def source(item: str) -> str:
    return (ROOT / item / "main.py").read_text(encoding="ascii")


def test_the_nine_items_are_here() -> None:
    assert list(EXAMPLES) == ITEMS


@each_item
def test_every_example_is_marked_once_and_in_order(item: str) -> None:
    marks = [
        int(match[1])
        for line in source(item).splitlines()
        if (match := MARK.fullmatch(line))
    ]
    assert marks == list(range(1, EXAMPLES[item] + 1))


@each_item
def test_every_example_belongs_to_one_demo_and_one_heading(item: str) -> None:
    runs = list(load(item).EXAMPLES)
    assert [n for run in runs for n in run] == [
        *range(1, EXAMPLES[item] + 1)
    ], "each number must stand in the table once, in order"

    result, _ = run_copy(item)
    headings = re.findall(
        r"(?m)^Examples? (\d+)(?:-(\d+))?: \S.*$", result.stdout
    )
    assert [(int(a), int(b or a)) for a, b in headings] == [
        (run[0], run[-1]) for run in runs
    ]


@each_item
def test_lines_are_of_79_columns_at_most(item: str) -> None:
    for text in source(item), mask(run_copy(item)[0].stdout):
        assert not [line for line in text.splitlines() if len(line) > 79]


@each_item
def test_only_the_standard_library_is_imported(item: str) -> None:
    modules = set()
    for node in ast.walk(ast.parse(source(item))):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "an item must not need its neighbors"
            modules.add(str(node.module).partition(".")[0])
    assert modules <= sys.stdlib_module_names


def definitions(item: str) -> dict[str, str]:
    """The text of everything at the top level of an item, by its name."""
    lines = source(item).splitlines()
    texts: dict[str, str] = {}
    for node in ast.parse(source(item)).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names = [node.name]
            case ast.Assign():
                names = [ast.unparse(target) for target in node.targets]
            case ast.If():
                ends = "main(" in ast.unparse(node)
                names = ["the guard" if ends else "the handler of Ctrl-C"]
            case ast.Expr():
                names = ["__doc__"]
            case _:
                assert isinstance(node, ast.Import | ast.ImportFrom)
                continue
        decorators = getattr(node, "decorator_list", [])
        first = min(part.lineno for part in [node, *decorators]) - 1
        while lines[first - 1].startswith("#"):  # the comment above
            first -= 1
        text = [
            line
            for line in lines[first : node.end_lineno]
            if not MARK.fullmatch(line)
        ]
        for name in names:
            assert name not in texts, f"{item} defines {name} twice"
            texts[name] = "\n".join(text)
    return texts


def test_copies_are_copies() -> None:
    texts = {
        (item, name): text
        for item in ITEMS
        for name, text in definitions(item).items()
        if name not in EACH_ITEMS_OWN
    }
    originals: dict[str, tuple[str, str]] = {}
    for (item, name), text in texts.items():
        if (item, name) not in INTENDED_DIFFERENCES:
            first, original = originals.setdefault(name, (item, text))
            assert text == original, (
                f"{name} in {item} is not the copy of {first}'s that it"
                " should be: make them the same, or name it in"
                " INTENDED_DIFFERENCES"
            )
    for item, name in INTENDED_DIFFERENCES:
        assert texts[item, name] != originals[name][1], (
            f"{name} in {item} does not differ from {originals[name][0]}'s:"
            " take it out of INTENDED_DIFFERENCES"
        )


def at_once(
    function: Callable[[str], Result], processes: int = 4
) -> dict[str, Result]:
    """What the function makes of every item, several at a time."""
    with ThreadPoolExecutor(processes) as pool:
        return dict(zip(ITEMS, pool.map(function, ITEMS), strict=True))


BACKWARDS = """
import main
for numbers in reversed(main.EXAMPLES):
    print("\\f", end="")
    main.main([str(numbers[-1])])
"""


@pytest.fixture(scope="module")
def backward_runs() -> dict[str, subprocess.CompletedProcess[str]]:
    """Every demo asked for by one number, after all that follow it."""
    return at_once(lambda item: run("-c", BACKWARDS, cwd=ROOT / item))


@each_item
def test_every_example_prints_the_same_without_those_before_it(
    item: str, backward_runs: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    assert backward_runs[item].stderr == ""
    demos = backward_runs[item].stdout.split("\f")
    assert mask("".join(reversed(demos))) == mask(run_copy(item)[0].stdout)


@pytest.fixture(scope="module")
def harsh_runs() -> dict[str, subprocess.CompletedProcess[str]]:
    """Every item, run as no reader would: optimized, stdin closed, ..."""

    def run_harshly(item: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-B", "-O", "-X", "dev", "-W", "error"]
        command.append(str(ROOT / item / "main.py"))
        if os.name == "posix":
            command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            cwd=Path(ROOT.anchor),
            env={
                **ENVIRONMENT,
                "LC_ALL": "C",
                "PYTHONCOERCECLOCALE": "0",
                "PYTHONUTF8": "0",
            },
        )

    return at_once(run_harshly)


@each_item
def test_harsh_conditions_change_nothing(
    item: str, harsh_runs: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    """Under -O, -X dev, -W error, in an ASCII locale, with stdin closed."""
    assert harsh_runs[item].stderr == ""
    assert harsh_runs[item].returncode == 0
    assert mask(harsh_runs[item].stdout) == mask(run_copy(item)[0].stdout)


def test_several_numbers_run_their_demos_once_in_the_book_s_order() -> None:
    result = run(ROOT / "item54_lock" / "main.py", "8", "4", "5")
    headings = re.findall(r"(?m)^Examples? [\d-]+", result.stdout)
    assert headings == ["Examples 4-5", "Examples 7-8"]


Short = dict[str, list[subprocess.CompletedProcess[str]]]


@pytest.fixture(scope="module")
def short_runs() -> Short:
    """Every item imported, asked for help, and for too high a number."""
    import_it = "import main, threading; assert threading.active_count() == 1"

    def run_shortly(item: str) -> list[subprocess.CompletedProcess[str]]:
        return [
            run("-W", "error", "-c", import_it, cwd=ROOT / item),
            run(ROOT / item / "main.py", "--help"),
            run(ROOT / item / "main.py", "1", "99"),
        ]

    return at_once(run_shortly)


@each_item
def test_importing_prints_nothing_and_starts_nothing(
    item: str, short_runs: Short
) -> None:
    result, _, _ = short_runs[item]
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


@each_item
def test_help_shows_the_lesson_and_the_usage(
    item: str, short_runs: Short
) -> None:
    _, result, _ = short_runs[item]
    assert result.returncode == 0
    assert "usage: " in result.stdout
    assert str(load(item).__doc__).strip() in result.stdout
    assert f"python3 {item}/main.py " in result.stdout


@each_item
def test_an_unknown_number_is_refused_and_nothing_runs(
    item: str, short_runs: Short
) -> None:
    _, _, result = short_runs[item]
    assert result.returncode == 2
    assert result.stdout == ""
    assert f"no example 99: there are 1 to {EXAMPLES[item]}" in result.stderr


@pytest.mark.parametrize("argument", ["0", "99", "-1", "two", "1.5", "--no"])
def test_a_bad_argument_is_refused_and_nothing_runs(argument: str) -> None:
    result = run(ROOT / "item54_lock" / "main.py", "1", argument)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "usage: " in result.stderr
    assert argument in result.stderr


def relatives(token: str) -> list[str]:
    """The processes that have token in their environment, where /proc is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if token.encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:  # it ended meanwhile, or is not ours
            pass
    return found


def press_ctrl_c(item: str, delay: float, *, to_group: bool) -> None:
    """Run an item, interrupt it after so many seconds, check its end."""
    token = uuid.uuid4().hex
    with subprocess.Popen(
        [sys.executable, "-uB", ROOT / item / "main.py"],
        bufsize=0,  # readline() must not take from communicate()
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**ENVIRONMENT, "TOKEN": token},
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        first_line = process.stdout.readline()  # it runs by now
        time.sleep(delay)
        pressed = time.monotonic()
        (os.killpg if to_group else os.kill)(process.pid, signal.SIGINT)
        rest, stderr = process.communicate(timeout=LIMIT)
        seconds = time.monotonic() - pressed
    assert stderr == b""
    if process.returncode == 0:  # it was through already
        text = (first_line + rest).decode()
        assert mask(text) == mask(run_copy(item)[0].stdout)
    else:
        assert process.returncode == 130
    assert seconds < 1
    while relatives(token):  # a peer ends when it sees that we have
        assert time.monotonic() < pressed + 1
        time.sleep(0.01)


@pytest.fixture(scope="module")
def presses(moments: int) -> dict[str, list[Future[None]]]:
    """Ctrl-C at several moments of every item, several items at a time."""
    with ThreadPoolExecutor(6) as pool:
        return {
            item: [
                pool.submit(
                    press_ctrl_c, item, 0.6 * n / moments, to_group=n % 2 == 0
                )
                for n in range(moments)
            ]
            for item in ITEMS
        }


@posix
@each_item
def test_ctrl_c_ends_the_item_and_its_children(
    item: str, presses: dict[str, list[Future[None]]]
) -> None:
    """To the whole group, as a terminal sends it, and to the parent alone."""
    for press in presses[item]:
        press.result()


def close_pipe(item: str) -> None:
    """Read one line of an item and go."""
    # Unbuffered for one half, so that any print() meets the closed pipe.
    option = "-uB" if ITEMS.index(item) % 2 else "-B"
    with subprocess.Popen(
        [sys.executable, option, ROOT / item / "main.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Example")
        process.stdout.close()
        process.stdout = None
        _, stderr = process.communicate(timeout=LIMIT)
    assert stderr == ""
    assert process.returncode in (0, 1)


@pytest.fixture(scope="module")
def cuts() -> dict[str, Future[None]]:
    """Every item with its output cut off, several items at a time."""
    with ThreadPoolExecutor(4) as pool:
        return {item: pool.submit(close_pipe, item) for item in ITEMS}


@posix
@each_item
def test_a_closed_pipe_is_met_in_silence(
    item: str, cuts: dict[str, Future[None]]
) -> None:
    """As after `| head -1`."""
    cuts[item].result()


LIMITED = """
import main, resource, sys
from pathlib import Path
pages = int(Path("/proc/self/statm").read_text().split()[0])
size = pages * resource.getpagesize() + 12_000_000
resource.setrlimit(resource.RLIMIT_AS, (size, size))
main.main(sys.argv[1:])
"""
# Every demo that needs more than one thread, but for item 57's: what that
# one makes of a refusal, which is more, is tested there.
REFUSED = {
    "item53_gil": ("4", "9"),
    "item54_lock": ("3", "6", "8"),
    "item55_queue": ("7", "20", "24"),
    "item58_queue_refactor": ("4", "10", "11"),
    "item59_pool": ("3", "4"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc, and such limits")
@pytest.mark.parametrize("item", sorted(set(REFUSED) & set(ITEMS)))
def test_a_refused_thread_is_an_error_and_no_hang(item: str) -> None:
    """With room for the stack of a single thread, of 8 MB as a rule."""
    with ThreadPoolExecutor(3) as pool:
        for result in pool.map(
            lambda number: run("-c", LIMITED, number, cwd=ROOT / item),
            REFUSED[item],
        ):
            assert result.returncode == 1
            assert "RuntimeError: can't start new thread" in result.stderr


def test_the_readme_s_table_lists_every_item() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"(?m)^\| (\d+) \| .+ \| \[(\w+)\]\(\2/main\.py\) \| `(.+)` \|$",
        readme,
    )
    assert [folder for _, folder, _ in rows] == ITEMS
    for number, folder, command in rows:
        assert folder.startswith(f"item{number}_")
        assert command == f"python3 {folder}/main.py"


def test_the_readme_shows_a_real_transcript() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    result, _ = run_copy("item54_lock")
    assert textwrap.indent(result.stdout.rstrip(), "    ") in readme
