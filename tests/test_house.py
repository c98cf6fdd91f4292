"""The rules that hold for every script, and for the repository."""

import ast
import inspect
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.helpers import (
    ANSWERED,
    ENVIRONMENT,
    ITEMS,
    LIMIT,
    ROOT,
    SCRIPTS,
    load,
    mask,
    relatives,
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
EACH_ITEMS_OWN = {"__doc__", "EXAMPLES", "QUESTIONS"}
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
Script = tuple[str, str]  # an item, and the name of a file in it
each_item = pytest.mark.parametrize("item", ITEMS)
each_answered = pytest.mark.parametrize("item", ANSWERED)
each_script = pytest.mark.parametrize(
    ("item", "script"), SCRIPTS.values(), ids=SCRIPTS
)
posix = pytest.mark.skipif(
    os.name != "posix", reason="signals and shells are those of POSIX"
)


def source(item: str, script: str = "main") -> str:
    return (ROOT / item / f"{script}.py").read_text(encoding="ascii")


def table(item: str, script: str) -> dict[Any, Any]:
    """The demos of a script, by the numbers or the letter of each."""
    module = load(item, script)
    return module.EXAMPLES if script == "main" else module.QUESTIONS


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


@each_answered
def test_every_question_has_a_letter_and_an_answer_of_a_screen(
    item: str,
) -> None:
    questions = table(item, "questions")
    assert "".join(questions) == "ABCDEFGH"[: len(questions)]

    result, _ = run_copy(item, "questions")
    headings = re.findall(r"(?m)^([A-Z]): (.*)$", result.stdout)
    assert headings == [(a, demo.__doc__) for a, demo in questions.items()]
    for letter, demo in questions.items():
        lines, _ = inspect.getsourcelines(demo)
        assert len(lines) <= 40, f"the answer to {letter} is too long"


@each_script
def test_lines_are_of_79_columns_at_most(item: str, script: str) -> None:
    for text in source(item, script), mask(run_copy(item, script)[0].stdout):
        assert not [line for line in text.splitlines() if len(line) > 79]


@each_script
def test_only_the_standard_library_is_imported(item: str, script: str) -> None:
    modules = set()
    for node in ast.walk(ast.parse(source(item, script))):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a script must not need its neighbors"
            modules.add(str(node.module).partition(".")[0])
    assert modules <= sys.stdlib_module_names


def definitions(item: str, script: str) -> dict[str, str]:
    """The text of everything at the top level of a script, by its name."""
    lines = source(item, script).splitlines()
    texts: dict[str, str] = {}
    for node in ast.parse(source(item, script)).body:
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


def originals(
    items: list[str], script: str
) -> tuple[dict[str, tuple[str, str]], dict[tuple[str, str], str]]:
    """Who defines each name first, and how; and what is meant to differ."""
    first: dict[str, tuple[str, str]] = {}
    different: dict[tuple[str, str], str] = {}
    for item in items:
        for name, text in definitions(item, script).items():
            if script == "main" and (item, name) in INTENDED_DIFFERENCES:
                different[item, name] = text
            elif name not in EACH_ITEMS_OWN and not (
                # The items go on with one program, and with its scale.
                script == "questions" and name.isupper()
            ):
                other, original = first.setdefault(name, (item, text))
                assert text == original, (
                    f"{name} in {item}/{script}.py is not the copy of"
                    f" {other}'s that it should be: make them the same, or"
                    " name it in INTENDED_DIFFERENCES"
                )
    return first, different


def test_copies_are_copies() -> None:
    first, different = originals(ITEMS, "main")
    for item, name in INTENDED_DIFFERENCES:
        assert different[item, name] != first[name][1], (
            f"{name} in {item} does not differ from {first[name][0]}'s:"
            " take it out of INTENDED_DIFFERENCES"
        )
    originals(ANSWERED, "questions")


@each_answered
def test_a_name_has_one_meaning_in_copies_of_an_item(item: str) -> None:
    """Its two scripts agree in all that both define, but for how they run."""
    book, answers = definitions(item, "main"), definitions(item, "questions")
    how = {"main", "the guard"}
    for name in (book.keys() & answers) - EACH_ITEMS_OWN - how:
        assert answers[name] == book[name], (
            f"{name} in {item}/questions.py is not the copy of main.py's that"
            " it should be: make them the same, or give it another name"
        )


def at_once(
    function: Callable[[str, str], Result], processes: int = 4
) -> dict[Script, Result]:
    """What the function makes of every script, several at a time."""
    scripts = list(SCRIPTS.values())
    with ThreadPoolExecutor(processes) as pool:
        results = pool.map(function, *zip(*scripts, strict=True))
        return dict(zip(scripts, results, strict=True))


@pytest.fixture(scope="module", autouse=True)
def copies() -> None:
    """Run the copies of all scripts several at a time, not one by one."""
    at_once(run_copy)


# One process for both, since most of its time goes into its start.
IMPORT_AND_RUN_BACKWARDS = """
import importlib, sys, threading
script = importlib.import_module(sys.argv[1])
assert threading.active_count() == 1
for numbers in sys.argv[:1:-1]:
    print("\\f", end="")
    script.main([numbers])
"""
Runs = dict[Script, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def backward_runs() -> Runs:
    """Every demo asked for by one number, after all that follow it."""

    def run_backwards(
        item: str, script: str
    ) -> subprocess.CompletedProcess[str]:
        last_of_each = [str(key[-1]) for key in table(item, script)]
        command = "-W", "error", "-c", IMPORT_AND_RUN_BACKWARDS, script
        return run(*command, *last_of_each, cwd=ROOT / item)

    return at_once(run_backwards)


@each_script
def test_importing_prints_nothing_and_starts_nothing(
    item: str, script: str, backward_runs: Runs
) -> None:
    result = backward_runs[item, script]
    before_the_first_demo, *_ = result.stdout.split("\f")
    assert before_the_first_demo == ""
    assert result.stderr == ""
    assert result.returncode == 0


@each_script
def test_every_demo_prints_the_same_without_those_before_it(
    item: str, script: str, backward_runs: Runs
) -> None:
    demos = backward_runs[item, script].stdout.split("\f")
    all_at_once = run_copy(item, script)[0].stdout
    assert mask("".join(reversed(demos))) == mask(all_at_once)


@pytest.fixture(scope="module")
def harsh_runs() -> Runs:
    """Every script, run as no reader would: optimized, stdin closed, ..."""

    def run_harshly(
        item: str, script: str
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-B", "-O", "-X", "dev", "-W", "error"]
        command.append(str(ROOT / item / f"{script}.py"))
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


@each_script
def test_harsh_conditions_change_nothing(
    item: str, script: str, harsh_runs: Runs
) -> None:
    """Under -O, -X dev, -W error, in an ASCII locale, with stdin closed."""
    result = harsh_runs[item, script]
    assert result.stderr == ""
    assert result.returncode == 0
    assert mask(result.stdout) == mask(run_copy(item, script)[0].stdout)


def test_several_numbers_run_their_demos_once_in_the_book_s_order() -> None:
    result = run(ROOT / "item54_lock" / "main.py", "8", "4", "5")
    headings = re.findall(r"(?m)^Examples? [\d-]+", result.stdout)
    assert headings == ["Examples 4-5", "Examples 7-8"]


@pytest.mark.parametrize("item", sorted({"item54_lock"} & set(ANSWERED)))
def test_several_letters_answer_once_in_their_order(item: str) -> None:
    """However the letters are written."""
    result = run(ROOT / item / "questions.py", "c", "A", "C")
    assert re.findall(r"(?m)^[A-Z]: ", result.stdout) == ["A: ", "C: "]


def test_the_guard_of_item_52_passes_the_arguments_on() -> None:
    """The other items' is that of item 54, which was asked for several."""
    result = run(ROOT / "item52_subprocess" / "main.py", "1")
    assert re.findall(r"(?m)^Examples? [\d-]+", result.stdout) == ["Example 1"]


Parse = Callable[..., tuple[int | str | None, str, str]]


@pytest.fixture
def parse(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Parse:
    """Call a script's main(), which exits; how, and what it has printed."""
    monkeypatch.setenv("PYTHON_COLORS", "0")

    def call_main(
        item: str, script: str, *arguments: str
    ) -> tuple[int | str | None, str, str]:
        with pytest.raises(SystemExit) as caught:
            load(item, script).main(arguments)
        return caught.value.code, *capsys.readouterr()

    return call_main


@each_script
def test_help_shows_the_lesson_and_the_usage(
    item: str, script: str, parse: Parse
) -> None:
    status, stdout, stderr = parse(item, script, "--help")
    assert status == 0
    assert stderr == ""
    assert "usage: " in stdout
    assert str(load(item, script).__doc__).strip() in stdout
    assert f"python3 {item}/{script}.py " in stdout


@each_script
def test_the_unknown_is_refused_and_nothing_runs(
    item: str, script: str, parse: Parse
) -> None:
    arguments, message = {
        "main": (["1", "99"], "no example 99: there are 1 to "),
        "questions": (["A", "Z"], "no question Z: "),
    }[script]
    status, stdout, stderr = parse(item, script, *arguments)
    assert status == 2
    assert stdout == ""
    assert message in stderr
    if script == "main":
        assert f"there are 1 to {EXAMPLES[item]}\n" in stderr


@pytest.mark.parametrize(
    "argument", ["0", "99", "-1", "two", "1.5", "--no", "AB", "*", ""]
)
@pytest.mark.parametrize(
    ("item", "script"),
    [(item, script) for item, script in SCRIPTS.values() if "54" in item],
)
def test_a_bad_argument_is_refused_and_nothing_runs(
    item: str, script: str, argument: str, parse: Parse
) -> None:
    good = "1" if script == "main" else "A"
    status, stdout, stderr = parse(item, script, good, argument)
    assert status == 2
    assert stdout == ""
    assert "usage: " in stderr
    assert argument.upper() in stderr.upper()


@contextmanager
def killed_on_failure(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Wait for a process; kill it first if something has gone wrong."""
    with process:
        try:
            yield
        except BaseException:
            process.kill()
            raise


def press_ctrl_c(
    item: str, script: str, delay: float, *, to_group: bool
) -> float:
    """Run a script, interrupt it after so many seconds, check its end.

    Gives the seconds until it and its children were gone.
    """
    token = uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, "-uB", ROOT / item / f"{script}.py"],
        bufsize=0,  # readline() must not take from communicate()
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**ENVIRONMENT, "TOKEN": token},
        start_new_session=True,
    )
    with killed_on_failure(process):
        assert process.stdout is not None
        first_line = process.stdout.readline()  # it runs by now
        time.sleep(delay)
        pressed = time.monotonic()
        (os.killpg if to_group else os.kill)(process.pid, signal.SIGINT)
        rest, stderr = process.communicate(timeout=LIMIT)
    assert stderr == b""
    if process.returncode == 0:  # it was through already
        text = (first_line + rest).decode()
        assert mask(text) == mask(run_copy(item, script)[0].stdout)
    else:
        assert process.returncode == 130
    while relatives(token):  # a peer ends when it sees that we have
        assert time.monotonic() < pressed + LIMIT
        time.sleep(0.01)
    return time.monotonic() - pressed


def press_until_quick(
    item: str, script: str, delay: float, *, to_group: bool
) -> None:
    """Press Ctrl-C until all are gone within a second.

    Once is enough, but on a machine too busy to end anything in that time.
    """
    seconds: list[float] = []
    while not seconds or seconds[-1] > 1:
        assert len(seconds) < 10, f"gone after {seconds}, not within 1 s"
        seconds.append(press_ctrl_c(item, script, delay, to_group=to_group))


@pytest.fixture(scope="module")
def presses(moments: int) -> dict[Script, list[Future[None]]]:
    """Ctrl-C at several moments of every script, several at a time."""
    # Questions are short: one moment less.
    counts = {"main": moments, "questions": max(moments - 1, 1)}
    with ThreadPoolExecutor(6) as pool:
        return {
            (item, script): [
                pool.submit(
                    press_until_quick,
                    item,
                    script,
                    0.6 * n / counts[script],
                    to_group=n % 2 == 0,
                )
                for n in range(counts[script])
            ]
            for item, script in SCRIPTS.values()
        }


@posix
@each_script
def test_ctrl_c_ends_the_script_and_its_children(
    item: str, script: str, presses: dict[Script, list[Future[None]]]
) -> None:
    """To the whole group, as a terminal sends it, and to the parent alone."""
    for press in presses[item, script]:
        press.result()


def close_pipe(item: str, script: str) -> None:
    """Read one line of a script and go."""
    # Unbuffered for one half, so that any print() meets the closed pipe.
    number = list(SCRIPTS.values()).index((item, script))
    command = [
        sys.executable,
        "-uB" if number % 2 else "-B",
        ROOT / item / f"{script}.py",
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    with killed_on_failure(process):
        assert process.stdout is not None
        first_line = process.stdout.readline()
        assert first_line.startswith("Example" if script == "main" else "A: ")
        process.stdout.close()
        process.stdout = None
        _, stderr = process.communicate(timeout=LIMIT)
    assert stderr == ""
    assert process.returncode in (0, 1)


@pytest.fixture(scope="module")
def cuts() -> dict[Script, Future[None]]:
    """Every script with its output cut off, several at a time."""
    with ThreadPoolExecutor(4) as pool:
        return {
            (item, script): pool.submit(close_pipe, item, script)
            for item, script in SCRIPTS.values()
        }


@posix
@each_script
def test_a_closed_pipe_is_met_in_silence(
    item: str, script: str, cuts: dict[Script, Future[None]]
) -> None:
    """As after `| head -1`."""
    cuts[item, script].result()


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


def test_the_readme_s_table_lists_every_question() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"(?m)^\| .+ \| `python3 \w+/questions\.py [A-Z]` \|$", readme
    )
    assert rows == [
        f"| {demo.__doc__} | `python3 {item}/questions.py {letter}` |"
        for item in ANSWERED
        for letter, demo in table(item, "questions").items()
    ]


def test_the_readme_shows_a_real_transcript() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    result, _ = run_copy("item54_lock")
    assert textwrap.indent(result.stdout.rstrip(), "    ") in readme
