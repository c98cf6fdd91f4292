"""Break each main.py on purpose, and print what the tests do not see.

python -m tests.mutants.run item54_lock ...    (in a copy: see `make mutants`)
"""

import ast
import difflib
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.helpers import ROOT, relatives

RULES = Path(__file__).resolve().with_name("lesson.rules")
EVERY = int(os.environ.get("EVERY", "1"))  # 4: a quarter of the mutants
LIMIT = 120.0  # seconds; the tests of an item take some ten
TOKEN = f"MUTANTS_{os.getpid()}"  # marks whatever a mutant starts


def meaning(code: str) -> str:
    """Return the syntax tree without docstrings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
    return ast.dump(tree)


def mutants(main: Path) -> list[str]:
    """Return the texts that compile and mean something else, each once."""
    found = {meaning(main.read_text()): ""}
    tool = Path(sys.executable).with_name("mutate")
    options = "--noCheck", "--mutateInStrings", "--only", RULES
    with TemporaryDirectory() as folder:
        subprocess.run(
            [tool, main, *options, "--mutantDir", folder],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
        )
        for path in sorted(Path(folder).glob("main.mutant.*.py")):
            code = path.read_text()
            with suppress(SyntaxError):
                found.setdefault(meaning(code), code)
    return list(found.values())[1:]


def is_seen(item: str) -> bool:
    """Return whether a test of an item fails, or takes too long."""
    subprocess.run(["make", "--silent", "copies"], cwd=ROOT, check=True)
    users = {path.parent for path in ROOT.glob(f"item*/{item[:6]}.py")}
    names = " or ".join({item[:6], *(path.name[:6] for path in users)})
    chosen = f"{names} or here and not item"
    chosen = f"({chosen}) and not questions and not running"
    command = [sys.executable, "-B", "-m", "pytest", "tests", "-k", chosen]
    try:
        result = subprocess.run(
            [*command, "-xq", "--timeout=20"],
            cwd=ROOT,
            env={**os.environ, TOKEN: "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT,
        )
        return result.returncode != 0
    except subprocess.TimeoutExpired:
        return True
    finally:
        for left in relatives(TOKEN):
            with suppress(ProcessLookupError):
                os.kill(int(left), signal.SIGKILL)


def try_item(item: str) -> None:
    """Print each survivor of an item as a diff, then how many were seen."""
    main = ROOT / item / "main.py"
    # The tool takes "{-" for the beginning of a comment.
    main.write_text(main.read_text().replace("{-", "{ -"))
    lines = main.read_text().splitlines()
    found = mutants(main)[::EVERY]
    seen = 0
    if is_seen(item):
        sys.exit(f"{item}: its tests fail without any mutant")
    for code in found:
        main.write_text(code)
        if is_seen(item):
            seen += 1
        else:
            diff = difflib.unified_diff(
                lines, code.splitlines(), item, n=0, lineterm=""
            )
            print("not seen:", *diff, sep="\n", flush=True)
    main.write_text("\n".join(lines) + "\n")
    print(f"{item}: {seen} of {len(found)} mutants seen", flush=True)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        try_item(name)
