"""Do the tests bite? Break each item on purpose, and see what goes unseen.

Every mutant is one careless change to one script, in a copy of the
repository: a call or an await dropped, a lock not taken, an item lost or
doubled, a fan-out one at a time. The script's tests must fail on it, or hang;
what survives is printed with its line. What several scripts define is changed
in the first of them only: test_house.py holds the others to it.

    make mutants                         every script
    make mutants ONLY=item54_lock        those of one item
"""

import argparse
import ast
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BOOK = sorted(ROOT.glob("item*/main.py"))
ANSWERS = sorted(ROOT.glob("item*/questions.py"))
ITEMS = [path.parent.name for path in BOOK]

# These tests look at the text of all scripts, or at other files.
NOT_OF_ONE = "not nine and not marked and not columns and not copies"


class Mutant(NamedTuple):
    """A change to a script: which operator did what, where; the result."""

    path: Path
    operator: str
    line: int
    before: str
    source: str

    def __str__(self) -> str:
        where = f"{name_of(self.path)}:{self.line}"
        return f"{where}: {self.operator}: {self.before}"


def name_of(path: Path) -> str:
    """What a script is called here: item54_lock/main.py, say."""
    return path.relative_to(ROOT).as_posix()


def replacements(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Every careless change to this node: an operator, and the new text."""
    text = ast.unparse
    match node:
        case ast.Call(ast.Name("print")) | ast.Expr(
            ast.Call(ast.Name("print"))
        ):
            return  # every line that is printed stands in a transcript
        case ast.Expr(ast.Call() | ast.Await() as call):
            yield "drop the call", "pass"
            match call:
                case ast.Call(ast.Attribute(thread, "start")):
                    one = f"{text(node)}; {text(thread)}.join()"
                    yield "one at a time", one
                case ast.Call(ast.Attribute(_, "create_task"), [task]):
                    yield "one at a time", f"await {text(task)}"
                case ast.Call(
                    ast.Attribute(children, "append"), [ast.Call()]
                ) if "children" in text(children):
                    one = f"{text(node)}; {text(children)}[-1].wait()"
                    yield "one at a time", one
        case ast.Assign([ast.Attribute() | ast.Subscript()]):
            yield "drop the assignment", "pass"
        case ast.AugAssign():
            yield "drop the assignment", "pass"
        case ast.Raise():
            yield "drop the raise", "pass"
        case ast.Return(ast.expr()):
            yield "return nothing", "return None"
        case ast.Await(value):
            yield "drop the await", text(value)
        case ast.Call(ast.Attribute(_, "submit")):
            done = "(lambda f: (f.exception(), f)[1])"
            yield "one at a time", f"{done}({text(node)})"
        case ast.Call(func, [first, second, *rest]) if not isinstance(
            first, ast.Constant
        ):
            args = map(text, [second, first, *rest, *node.keywords])
            yield "swap arguments", f"{text(func)}({', '.join(args)})"
        case ast.List([first, second, *rest]):
            args = map(text, [second, first, *rest])
            yield "swap elements", f"[{', '.join(args)}]"
        case ast.Compare(left, [op], [right]):
            others: dict[type[ast.cmpop], str] = {
                ast.Eq: "!=",
                ast.NotEq: "==",
                ast.Lt: "<=",
                ast.LtE: "<",
                ast.Gt: ">=",
                ast.GtE: ">",
                ast.Is: "is not",
                ast.IsNot: "is",
                ast.In: "not in",
                ast.NotIn: "in",
            }
            other = f"({text(left)}) {others[type(op)]} ({text(right)})"
            yield "another comparison", other
        case ast.BoolOp(op, values):
            word = " or " if isinstance(op, ast.And) else " and "
            yield (
                "another connective",
                word.join(f"({text(v)})" for v in values),
            )
        case ast.UnaryOp(ast.Not(), operand):
            yield "drop the not", text(operand)
        case ast.Constant(bool() as value):
            yield "the other truth", str(not value)
        case ast.Constant(int() as value) if value > 2:
            yield "one only", "1"
        case ast.BinOp(left, op, ast.Constant(int() as value)):
            changed = ast.BinOp(left, op, ast.Constant(value + 1))
            yield "another number", text(changed)


def in_header(node: ast.stmt) -> Iterator[tuple[str, ast.expr | None, str]]:
    """Changes to a compound statement: what becomes of an expression in it.

    The whole statement is meant where the expression is None.
    """
    match node:
        case ast.For(_, iterator):
            items = ast.unparse(iterator)
            yield "lose an item", iterator, f"[*{items}][1:]"
            yield (
                "double an item",
                iterator,
                f"(lambda i: [*i, *i[:1]])([*{items}])",
            )
        case ast.If(test) | ast.While(test):
            yield "negate", test, f"not ({ast.unparse(test)})"


def splice(source: str, node: ast.expr | ast.stmt, new: str) -> str:
    """The source with other text in the place of the node's."""
    lines = source.splitlines(keepends=True)  # all of it is ASCII
    assert node.end_lineno is not None
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1]))
    end += node.end_col_offset or 0
    return source[:start] + new + source[end:]


def mutants(path: Path, skip: set[str]) -> Iterator[Mutant]:
    """All mutants of a script, but for the definitions to skip."""
    source = path.read_text(encoding="ascii")
    lines = source.splitlines()

    def mutant(operator: str, line: int, new: str) -> Iterator[Mutant]:
        try:
            ast.parse(new)
        except SyntaxError:
            return  # not what a careless change looks like
        yield Mutant(path, operator, line, lines[line - 1].strip(), new)

    for top in ast.parse(source).body:
        if getattr(top, "name", None) in skip or (
            isinstance(top, ast.Assign)
            and ast.unparse(top.targets[0]) in ("EXAMPLES", "QUESTIONS")
        ):
            continue
        ignored: set[ast.AST] = set()
        for node in ast.walk(top):
            if isinstance(node, ast.JoinedStr | ast.arguments):
                ignored |= set(ast.walk(node))  # text; annotations, defaults
            if isinstance(node, ast.AnnAssign | ast.FunctionDef):
                extra = (
                    node.annotation
                    if isinstance(node, ast.AnnAssign)
                    else node.returns
                )
                if extra:
                    ignored |= set(ast.walk(extra))
            if isinstance(node, ast.Subscript) and "Callable" in ast.unparse(
                node.value
            ):
                ignored |= set(ast.walk(node))  # a type
            if node in ignored:
                continue
            if isinstance(node, ast.expr | ast.stmt):
                for operator, new in replacements(node):
                    changed = splice(source, node, new)
                    yield from mutant(operator, node.lineno, changed)
            if isinstance(node, ast.stmt):
                for operator, part, new in in_header(node):
                    assert part is not None
                    changed = splice(source, part, new)
                    yield from mutant(operator, node.lineno, changed)
            if isinstance(node, ast.With) and not any(
                part.optional_vars for part in node.items
            ):
                first, last = node.items[0], node.items[-1]
                header = ast.copy_location(ast.Pass(), first.context_expr)
                header.end_lineno = last.context_expr.end_lineno
                header.end_col_offset = last.context_expr.end_col_offset
                header.lineno, header.col_offset = node.lineno, node.col_offset
                changed = splice(source, header, "if True")
                yield from mutant("drop the with", node.lineno, changed)
            if isinstance(node, ast.Try) and node.finalbody:
                block = ast.copy_location(ast.Pass(), node.finalbody[0])
                block.end_lineno = node.finalbody[-1].end_lineno
                block.end_col_offset = node.finalbody[-1].end_col_offset
                changed = splice(source, block, "pass")
                yield from mutant("drop the finally", block.lineno, changed)


def copied_definitions(paths: list[Path]) -> dict[Path, set[str]]:
    """For each of these scripts, what an earlier one defines, too."""
    seen: dict[str, str] = {}
    copied: dict[Path, set[str]] = {path: set() for path in paths}
    for path in paths:
        for node in ast.parse(path.read_text(encoding="ascii")).body:
            if isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            ):
                text = ast.unparse(node)
                if seen.get(node.name) == text:
                    copied[path].add(node.name)
                seen.setdefault(node.name, text)
    return copied


def kill_all(folder: str) -> None:
    """Kill what the tests of a mutant have left behind, where /proc is.

    Scripts that hang do so in sessions of their own.
    """
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it ended meanwhile, or is not ours
            if f"MUTANT={folder}".encode() in environment.read_bytes():
                os.kill(int(environment.parent.name), signal.SIGKILL)


def is_seen(path: Path, source: str, limit: float) -> bool:
    """Whether the tests of a script fail, or hang, on this source of it."""
    folder_name = path.parent.name
    name = folder_name.partition("_")[0]
    if path in ANSWERS:
        test = f"test_{name.replace('item', 'questions')}"
        tests = f"({test} or {folder_name}-questions)"
    else:
        test, tests = f"test_{name}", name
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        shutil.copytree(ROOT / "tests", copy / "tests")
        shutil.copy(ROOT / "pyproject.toml", copy)
        (copy / folder_name).mkdir()
        shutil.copy(path.with_name("main.py"), copy / folder_name)
        (copy / folder_name / path.name).write_text(source, encoding="ascii")
        process = subprocess.Popen(
            [
                *(sys.executable, "-B", "-m", "pytest", "-x", "-q"),
                *("-p", "no:cacheprovider"),
                *("-k", f"{tests} and {NOT_OF_ONE}"),
                *("tests/test_golden.py", f"tests/{test}.py"),
                "tests/test_house.py",
            ],
            cwd=copy,
            env={**os.environ, "MUTANT": folder},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(limit) != 0
        except subprocess.TimeoutExpired:
            return True
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kill_all(folder)


def main() -> int:
    """Try all mutants; the exit status is 1 if one survives unexplained."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("items", nargs="*", metavar="ITEM")
    parser.add_argument("--list", action="store_true", help="only list them")
    options = parser.parse_args()
    unknown = set(options.items) - set(ITEMS)
    if unknown:
        parser.error(f"no item {min(unknown)}: there are {', '.join(ITEMS)}")

    paths = [
        path
        for path in BOOK + ANSWERS
        if path.parent.name in (options.items or ITEMS)
    ]
    skip = copied_definitions(BOOK) | copied_definitions(ANSWERS)
    survivors = []
    totals: Counter[str] = Counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path in paths:
            source = path.read_text(encoding="ascii")
            todo = list(mutants(path, skip[path]))
            totals["mutants"] += len(todo)
            if options.list:
                print(*todo, sep="\n")
                continue
            start = time.perf_counter()
            name = name_of(path)
            if is_seen(path, source, 120):
                parser.exit(1, f"the tests of {name} fail as it is\n")
            limit = 3 * (time.perf_counter() - start) + 5
            seen = pool.map(
                lambda m, limit=limit: is_seen(m.path, m.source, limit), todo
            )
            missed = [
                m for m, found in zip(todo, seen, strict=True) if not found
            ]
            print(f"{name}: {len(todo)} mutants, {len(missed)} survive")
            for mutant in missed:
                key = mutant.operator, mutant.before
                reason = EQUIVALENT["any script"].get(key)
                reason = EQUIVALENT.get(name, {}).get(key, reason)
                print(f"  {mutant}  [{reason or 'UNEXPLAINED'}]", flush=True)
                survivors.append(reason)
    unexplained = survivors.count(None)
    print(
        f"{totals['mutants']} mutants, {len(survivors)} survive,"
        f" {unexplained} of them unexplained"
    )
    return 1 if unexplained else 0


# Mutants that change nothing which anybody could see: for each script the
# operator, the line that it changes, and why nobody sees it.
EQUIVALENT: dict[str, dict[tuple[str, str], str]] = {
    "any script": {
        (
            "drop the call",
            "signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to end",
        ): "decides how Ctrl-C ends the last few milliseconds",
        (
            "double an item",
            "for thread in threads:",
        ): "who is joined a second time is not waited for",
    },
    "item52_subprocess/main.py": {
        ("double an item", "for child in children:"): (
            "who was ended and waited for once is so twice"
        ),
        (
            "the other truth",
            "subprocess.run(FAIL, capture_output=True, check=True)",
        ): "that child says nothing",
        ("drop the with", "with ctrl_c_held():"): (
            "of these children, which end when their input does, none is left"
        ),
        ("drop the call", "children.append(child)"): (
            "this child ends when its input does"
        ),
        (
            "another comparison",
            'print("The parent worked three rounds or more:", rounds >= 3)',
        ): "it is always three or more",
        (
            "one only",
            'print("The parent worked three rounds or more:", rounds >= 3)',
        ): "it is always three or more",
        ("lose an item", "for child in children:"): (
            "the first nap is over when the others are"
        ),
        (
            "double an item",
            "for command, digest_of_a in OPENSSL_DIGESTS.items():",
        ): "what failed once is tried once more",
        ("drop the call", "find_cipher()"): (
            "it is found out a little later, with Ctrl-C held"
        ),
        ("lose an item", "for child in children[0::2]:"): (
            "the others fail as well, and all have been waited for"
        ),
        ("double an item", "for child in children[0::2]:"): (
            "who was waited for once is so twice"
        ),
        ("drop the call", "os._exit(1)"): (
            "no thread here that would have to be left behind"
        ),
        ("the other truth", "print(flush=True)"): (
            "matters to who reads a pipe while it runs"
        ),
    },
    "item53_gil/main.py": {
        (
            "another number",
            "return (n for n in range(1, number + 1) if number % n == 0)",
        ): "number + 1 does not divide number",
        (
            "the other truth",
            "for number, found in zip(NUMBERS, factors, strict=True):",
        ): "they are of the same length",
        ("lose an item", "for thread in threads:"): "factors joins, too",
        ("drop the call", "thread.join()"): "factors joins, too",
        (
            "another connective",
            'cores = getattr(os, "process_cpu_count", os.cpu_count)() or 1',
        ): "with the GIL the number of cores does not matter",
        (
            "swap arguments",
            "expected = expectation(gil_enabled(), cores)",
        ): "with the GIL the number of cores does not matter",
    },
    "item54_lock/main.py": {
        (
            "lose an item",
            "for instruction in dis.get_instructions(Counter.increment):",
        ): "the first instruction is none of the three steps",
        (
            "double an item",
            "for instruction in dis.get_instructions(Counter.increment):",
        ): "the first instruction is none of the three steps",
        ("one at a time", "thread_b.start()"): "it is joined in the next line",
        (
            "drop the call",
            "sleep(0)  # invites a switch; a barrier would wait for ever here",
        ): "with the lock, a switch makes no difference",
    },
    "item55_queue/main.py": {
        (
            "drop the call",
            "sleep(0)  # no work yet: let others run, then ask again",
        ): "they poll as much, and a little faster",
        (
            "another comparison",
            "while any(thread.polled_count < ITEMS for thread in threads):",
        ): "one poll more",
        ("swap elements", "threads = ["): "their order makes no difference",
        ("drop the call", "thread.join()"): (
            "the consumer of join_waits() has nothing left to do"
        ),
        (
            "double an item",
            "for queue in download_queue, resize_queue, upload_queue:",
        ): "a closed queue can be closed again",
        ("return nothing", "return item"): "nobody looks at slow items",
        (
            "another comparison",
            'print(f"the other {len(done)} come through:",'
            " set(done) < set(expected))",
        ): "two have failed, so the sets are not the same",
    },
    "item56_life/main.py": {
        (
            "double an item",
            "for y, x in (0, 3), (1, 4), (2, 2), (2, 3), (2, 4):",
        ): "it is set to the same state twice",
        (
            "double an item",
            "for y, x in around[:count]:",
        ): "it is set to the same state twice",
        (
            "swap arguments",
            "before, after = Grid(HEIGHT, WIDTH), Grid(HEIGHT, WIDTH)",
        ): "one cell and its neighbors fit on a grid of 9 x 5, too",
        (
            "swap arguments",
            "before.set(y, x, ALIVE)",
        ): "mirrored, the cell has as many neighbors",
        (
            "swap elements",
            "width = max(map(len, [str(number), *lines]))",
        ): "max() does not look at the order",
        (
            "the other truth",
            'return "\\n".join(" | ".join(row) for row in zip(*columns, strict=True))',
        ): "they are of the same length",
        (
            "one only",
            "with create_connection(address, timeout=10) as connection:",
        ): "the peer answers in 0.01 s",
    },
    "item57_threads/main.py": {
        (
            "drop the with",
            "with suppress(BrokenBarrierError):  # the system refused a thread",
        ): "spares stderr some tracebacks when the system refuses a thread",
        (
            "swap arguments",
            "return game_logic(state, neighbors)",
        ): "nobody looks at the grid that comes of it",
        ("one only", "barrier.wait(timeout=5)"): "45 threads start in 0.01 s",
        ("one at a time", "thread.start()"): "it is joined in the next line",
        (
            "one only",
            "args = 2, 3, grid.get, grid.set, failing_game_logic",
        ): "any cell will do",
    },
    "item58_queue_refactor/main.py": {
        (
            "double an item",
            "for _, error in stop_threads(in_queue, threads):",
        ): "the first error is raised, and no second one looked at",
        (
            "drop the call",
            "super().__init__(y, x)",
        ): "BaseException.__new__ keeps the arguments, too",
        (
            "double an item",
            "for y, x, result in results:",
        ): "it is set to the same state twice",
    },
    "item59_pool/main.py": {
        (
            "double an item",
            "for future in done:",
        ): "the result of a future can be asked for twice",
    },
    "item60_coroutines/main.py": {
        (
            "the other truth",
            "state = asyncio.run(coroutine, debug=False)",
        ): "debug mode only slows it down, and complains where it is too slow",
        (
            "the other truth",
            "print(asyncio.run(generations(simulate, glider()), debug=False))",
        ): "debug mode only slows it down, and complains where it is too slow",
        (
            "the other truth",
            "print(asyncio.run(generations(step, glider()), debug=False))",
        ): "debug mode only slows it down, and complains where it is too slow",
        (
            "the other truth",
            "seconds = asyncio.run(seconds_of(generation), debug=False)",
        ): "debug mode only slows it down, and complains where it is too slow",
        (
            "the other truth",
            "asyncio.run(simulate(glider(), failing_game_logic), debug=False)",
        ): "debug mode only slows it down, and complains where it is too slow",
        (
            "drop the call",
            "await writer.wait_closed()",
        ): "the loop closes it a moment later",
        (
            "drop the assignment",
            "waiting -= 1",
        ): "makes the count wrong where nobody waits: together with the await",
        (
            "lose an item",
            "for coroutine in coroutines:",
        ): "one of 1,000, in a figure on a here: line",
        ("another number", "count = MANY // 10"): "how many are measured",
        ("one only", "count = MANY // 10"): "how many are measured",
    },
    "item52_subprocess/questions.py": {
        ("return nothing", 'return "an unknown number of bytes"'): (
            "Linux tells how many"
        ),
        (
            "drop the with",
            "with suppress(ChildProcessError):  # where SIGCHLD is ignored",
        ): "it is not ignored in the tests",
        ("drop the call", "sleep(0.01)"): "poll() is asked a little oftener",
        ("drop the call", "os._exit(1)"): (
            "no thread here that would have to be left behind"
        ),
        ("the other truth", "print(flush=True)"): (
            "matters to who reads a pipe while it runs"
        ),
        ("drop the call", "subprocess.run(command, stdout=DEVNULL)"): (
            "on Windows only"
        ),
        (
            "return nothing",
            'return "taskkill /T: no process groups on Windows"',
        ): "on Windows only",
    },
    "item53_gil/questions.py": {
        (
            "the other truth",
            'return getattr(sys, "_is_gil_enabled", lambda: True)()',
        ): "nobody takes the default from 3.13 on",
        (
            "another number",
            "return sum(number % n == 0 for n in range(1, number + 1)), __name__",
        ): "number + 1 does not divide number",
        ("lose an item", "for child in killed:"): "the pool ends the others",
        ("double an item", "for child in killed:"): (
            "who was killed once is so twice"
        ),
        ("drop the raise", "raise"): "without results it is an error as well",
        (
            "another comparison",
            "if sys.version_info >= (3, 14):",
        ): "no version is no more than these two numbers",
        (
            "return nothing",
            'return f"interpreters in this process, a GIL for each, count:'
            ' {counts}"',
        ): "from 3.14 on only",
        (
            "swap arguments",
            "results = pool.map(count_factors, INPUTS, timeout=PATIENCE)",
        ): "from 3.14 on only; that of the processes is seen",
        ("the other truth", "counts, names = zip(*results, strict=True)"): (
            "they are pairs, all of them"
        ),
    },
    "item54_lock/questions.py": {
        (
            "the other truth",
            'gil = getattr(sys, "_is_gil_enabled", lambda: True)()',
        ): "nobody takes the default from 3.13 on",
        (
            "swap arguments",
            "run_in_threads(partial(stop, mine, yours),"
            " partial(stop, yours, mine))",
        ): "whichever thread starts first, it ends the same",
        ("swap arguments", "run_in_threads("): (
            "whichever thread starts first, it ends the same"
        ),
    },
    "item55_queue/questions.py": {
        ("one at a time", "thread.start()"): "it is joined in the next line",
        ("drop the with", "with suppress(ShutDown):"): "from 3.13 on only",
        ("drop the call", "work.shutdown()"): "from 3.13 on only",
        ("double an item", "for _ in range(TEAM - 1):"): (
            "nobody takes the last None"
        ),
        ("double an item", "for _ in range(TEAM):"): (
            "nobody takes the last None"
        ),
        ("lose an item", "for _ in range(TEAM):"): "up to 3.12 only",
        ("drop the call", "work.put(None)"): "up to 3.12 only",
    },
    "item57_threads/questions.py": {
        ("one at a time", "thread.start()"): "it is joined in the next line",
        ("one at a time", "future = pool.submit(fail)"): "the only call",
    },
    "item60_coroutines/questions.py": {
        ("drop the call", "await asyncio.sleep(0)"): (
            "fetch() stands for I/O, and may be as quick"
        ),
        (
            "the other truth",
            "answer = await asyncio.to_thread(asyncio.run, fetch(),"
            " debug=False)",
        ): "debug mode only slows it down, and complains where it is too slow",
        ("swap arguments", "most = max(most, in_flight)"): (
            "max() does not look at the order"
        ),
    },
}


if __name__ == "__main__":
    sys.exit(main())
