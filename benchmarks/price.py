"""What each way costs in code: lines, counted in the scripts.

A line is one of a definition as ast.unparse() writes it, without hints,
comments and docstrings. LockingGrid is not counted, since item 57 says that
this simulation does without it.
"""

import ast
from difflib import ndiff

from benchmarks import ROOT

# What makes a generation, and what does so once neighbors are counted with
# I/O, too, where that takes more than another count_neighbors. Each name
# stands behind the number of its item.
ONE = {
    "serial": "56: game_logic step_cell simulate",
    "threads": "56: game_logic step_cell 57: simulate_threaded",
    "queue": "55: ClosableQueue StoppableWorker start_threads stop_threads"
    " 56: game_logic 58: game_logic_thread workers SimulationError collect"
    " simulate_pipeline one_phase",
    "pool": "56: game_logic step_cell 59: simulate_pool",
    "coroutines": "60: game_logic step_cell simulate",
}
TWO = {
    "queue": "55: ClosableQueue StoppableWorker start_threads stop_threads"
    " 56: game_logic 58: game_logic_thread workers SimulationError collect"
    " count_neighbors_thread phased_game_logic_thread two_phases"
    " simulate_phased_pipeline",
    "coroutines": "60: game_logic async_count_neighbors async_step_cell"
    " simulate",
}


def code(tree: ast.stmt) -> list[str]:
    """Return the lines of a statement without hints and docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        if isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ):
            del node.body[: ast.get_docstring(node) is not None]
    return ast.unparse(tree).splitlines()


def lines_of(names: str) -> list[str]:
    """Return the lines of definitions; KeyError if there is none such."""
    found: list[str] = []
    for name in names.split():
        if name.endswith(":"):
            (script,) = ROOT.glob(f"item{name[:-1]}_*/main.py")
            tree = ast.parse(script.read_text(encoding="utf-8"))
            item = {getattr(node, "name", ""): node for node in tree.body}
        else:
            found += code(item[name])
    return found


def added(before: str, after: str) -> int:
    """Return how many lines stand in one program and not in another."""
    lines = ndiff(lines_of(before), lines_of(after))
    return sum(line.startswith("+ ") for line in lines)


def of(way: str) -> tuple[int, int]:
    """Return the lines that a way adds to the serial program, and to itself.

    The second: once neighbors are counted with I/O, too. The two queues are
    what that makes of one, and need no more.
    """
    program = TWO["queue"] if way == "phased" else ONE[way]
    more = added(program, TWO.get(way, program))
    return added(ONE["serial"], program), more
