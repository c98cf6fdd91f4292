"""Do the tests bite? Break each item on purpose, and see what goes unseen.

Every mutant is one careless change to one main.py, in a copy of the
repository: a call or an await dropped, a lock not taken, an item lost or
doubled, a fan-out one at a time. The item's tests must fail on it, or hang;
what survives is printed with its line. What several items define is changed
in the first of them only: test_house.py holds the others to it.

    make mutants                         every item
    make mutants ONLY=item54_lock        one item
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
ITEMS = sorted(path.parent.name for path in ROOT.glob("item*/main.py"))

# These tests look at the text of all items, or at other files.
NOT_OF_ONE_ITEM = "not nine and not marked and not columns and not copies"


class Mutant(NamedTuple):
    """A change to an item: which operator did what, where, and the result."""

    item: str
    operator: str
    line: int
    before: str
    source: str

    def __str__(self) -> str:
        return f"{self.item}:{self.line}: {self.operator}: {self.before}"


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


def mutants(item: str, skip: set[str]) -> Iterator[Mutant]:
    """All mutants of the item, but for the definitions to skip."""
    source = (ROOT / item / "main.py").read_text(encoding="ascii")
    lines = source.splitlines()

    def mutant(operator: str, line: int, new: str) -> Iterator[Mutant]:
        try:
            ast.parse(new)
        except SyntaxError:
            return  # not what a careless change looks like
        yield Mutant(item, operator, line, lines[line - 1].strip(), new)

    for top in ast.parse(source).body:
        if getattr(top, "name", None) in skip or (
            isinstance(top, ast.Assign)
            and ast.unparse(top.targets[0]) == "EXAMPLES"
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


def first_definitions() -> dict[str, set[str]]:
    """For each item, what an earlier one defines and this one copies."""
    seen: dict[str, str] = {}
    skip: dict[str, set[str]] = {item: set() for item in ITEMS}
    for item in ITEMS:
        source = (ROOT / item / "main.py").read_text(encoding="ascii")
        for node in ast.parse(source).body:
            if isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            ):
                text = ast.unparse(node)
                if seen.setdefault(node.name, text) == text and (
                    seen.get(f"{node.name} first", item) != item
                ):
                    skip[item].add(node.name)
                seen.setdefault(f"{node.name} first", item)
    return skip


def is_seen(item: str, source: str, limit: float) -> bool:
    """Whether the item's tests fail, or hang, on this source of it."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        shutil.copytree(ROOT / "tests", copy / "tests")
        shutil.copy(ROOT / "pyproject.toml", copy)
        (copy / item).mkdir()
        (copy / item / "main.py").write_text(source, encoding="ascii")
        name = item.partition("_")[0]
        process = subprocess.Popen(
            [
                *(sys.executable, "-B", "-m", "pytest", "-x", "-q"),
                *("-p", "no:cacheprovider"),
                *("-k", f"{name} and {NOT_OF_ONE_ITEM}"),
                *("tests/test_golden.py", f"tests/test_{name}.py"),
                "tests/test_house.py",
            ],
            cwd=copy,
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

    skip = first_definitions()
    survivors = []
    totals: Counter[str] = Counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for item in options.items or ITEMS:
            source = (ROOT / item / "main.py").read_text(encoding="ascii")
            todo = list(mutants(item, skip[item]))
            totals["mutants"] += len(todo)
            if options.list:
                print(*todo, sep="\n")
                continue
            start = time.perf_counter()
            if is_seen(item, source, 120):
                parser.exit(1, f"the tests of {item} fail as it is\n")
            limit = 3 * (time.perf_counter() - start) + 5
            seen = pool.map(
                lambda m, limit=limit: is_seen(m.item, m.source, limit), todo
            )
            missed = [
                m for m, found in zip(todo, seen, strict=True) if not found
            ]
            print(f"{item}: {len(todo)} mutants, {len(missed)} survive")
            for mutant in missed:
                reason = EQUIVALENT.get(mutant[:2] + mutant[3:4])
                print(f"  {mutant}  [{reason or 'UNEXPLAINED'}]", flush=True)
                survivors.append(reason)
    unexplained = survivors.count(None)
    print(
        f"{totals['mutants']} mutants, {len(survivors)} survive,"
        f" {unexplained} of them unexplained"
    )
    return 1 if unexplained else 0


# Mutants that change nothing which anybody could see, with the reason.
EQUIVALENT: dict[tuple[str, str, str], str] = {}


if __name__ == "__main__":
    sys.exit(main())
