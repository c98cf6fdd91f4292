"""Break each main.py on purpose, and print what the tests do not see.

run.py item54_lock ...      (in a copy of the checkout: see `make mutants`)
"""

import ast
import difflib
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EVERY = int(os.environ.get("EVERY", "1"))  # 4: a quarter of the mutants
TOKEN = f"MUTANTS_{os.getpid()}"  # marks whatever a mutant starts


def meaning(code: str) -> str:
    """Return the syntax tree without docstrings and annotations."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def mutants(main: Path) -> list[str]:
    """Return the texts that compile and mean something else, each once."""
    folder = ROOT / "mutants" / main.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            *(Path(sys.executable).with_name("mutate"), main, "--noCheck"),
            *("--mutateInStrings", "--mutantDir", folder),
            *("--only", HERE / "lesson.rules"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
    )
    found = {meaning(main.read_text()): ""}
    for path in sorted(folder.glob("main.mutant.*.py")):
        code = path.read_text()
        with suppress(SyntaxError):
            found.setdefault(meaning(code), code)
    return list(found.values())[1:]


def tests(item: str) -> list[str]:
    """Return pytest's arguments: the tests that the item concerns."""
    number = item[4:6]
    numbers = {number}
    numbers |= {p.parent.name[4:6] for p in ROOT.glob(f"*/item{number}.py")}
    others = {p.name[4:6] for p in ROOT.glob("item*")} - numbers
    names = [f"item{n}" for n in sorted(numbers)]
    files = [
        f"tests/test_{x}.py" for x in [*names, "golden", "here", "copies"]
    ]
    skipped = ["questions", *(f"item{n}_ or {n}:" for n in sorted(others))]
    chosen = f"not ({' or '.join(skipped)})"
    return [*files, "-xq", "--timeout=20", "-k", chosen]


def kill_what_is_left() -> None:
    """Kill every process that has TOKEN in its environment (Linux only)."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{TOKEN}=".encode() in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:  # it has ended meanwhile, or is not ours
            pass


def is_seen(item: str, limit: float) -> str:
    """Return the test that fails in limit seconds; nothing if none does."""
    subprocess.run(
        ["make", "--silent", "--no-print-directory", "copies"],
        cwd=ROOT,
        check=True,
    )
    command = [sys.executable, "-B", "-m", "pytest", *tests(item)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, TOKEN: "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return "time limit"
        finally:
            kill_what_is_left()
    if process.returncode == 0:
        return ""
    failed = [x for x in output.splitlines() if x.startswith(("FAI", "ERR"))]
    return (failed or ["?"])[0].partition(" - ")[0]


def try_item(item: str) -> None:
    """Print each survivor of an item as a diff, then how many were seen."""
    main = ROOT / item / "main.py"
    original = main.read_text()
    # The tool takes "{-" for the beginning of a comment.
    main.write_text(original.replace("{-", "{ -"))
    lines = main.read_text().splitlines()
    found = mutants(main)[::EVERY]
    seen = 0
    start = perf_counter()
    if why := is_seen(item, 120):
        sys.exit(f"{item}: {why} fails without any mutant")
    limit = 10 + 3 * (perf_counter() - start)
    for code in found:
        main.write_text(code)
        why = is_seen(item, limit)
        seen += bool(why)
        if not why:
            diff = difflib.unified_diff(
                lines, code.splitlines(), f"{item}/main.py", n=0, lineterm=""
            )
            print("not seen:", *diff, sep="\n", flush=True)
    main.write_text(original)
    print(f"{item}: {seen} of {len(found)} mutants seen", flush=True)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        try_item(name)
