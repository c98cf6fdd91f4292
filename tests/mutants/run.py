"""Break scripts on purpose, in a copy, and print what the tests do not see.

make mutants                  all scripts
make mutants ONLY=item54      those whose path begins so
"""

import ast
import difflib
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.helpers import ITEMS, ROOT, relatives

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


def mutants(script: Path) -> list[str]:
    """Return the texts that compile and mean something else, each once."""
    found = {meaning(script.read_text()): ""}
    tool = Path(sys.executable).with_name("mutate")
    options = "--noCheck", "--mutateInStrings", "--only", RULES
    with TemporaryDirectory() as folder:
        subprocess.run(
            [tool, script, *options, "--mutantDir", folder],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
        )
        for path in sorted(Path(folder).glob("*.mutant.*.py")):
            code = path.read_text()
            with suppress(SyntaxError):
                found.setdefault(meaning(code), code)
    return list(found.values())[1:]


def is_seen(script: Path) -> bool:
    """Return whether a test of a script fails, or takes too long."""
    copy, item = script.parent.parent, script.parent.name[:6]
    subprocess.run(["make", "--silent", "copies"], cwd=copy, check=True)
    users = {path.parent.name for path in copy.glob(f"item*/{item}.py")}
    names = " or ".join({item, *(name[:6] for name in users)})
    chosen = f"({names} or here and not item) and not questions"
    if script.stem == "questions":
        chosen = f"{item} and questions"
    chosen += " and not running"
    command = [sys.executable, "-B", "-m", "pytest", "tests", "-k", chosen]
    try:
        result = subprocess.run(
            [*command, "-xq", "--timeout=20"],
            cwd=copy,
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


def try_script(script: Path) -> None:
    """Print each survivor as a diff, then how many were seen."""
    name = f"{script.parent.name}/{script.name}"
    # The tool takes "{-" for the beginning of a comment.
    script.write_text(script.read_text().replace("{-", "{ -"))
    lines = script.read_text().splitlines()
    found = mutants(script)[::EVERY]
    print(f"{name}: {len(found)} mutants", end=" ", flush=True)
    seen = 0
    if is_seen(script):
        sys.exit(f"\n{name}: its tests fail without any mutant")
    for code in found:
        script.write_text(code)
        if is_seen(script):
            seen += 1
            print(end=".", flush=True)
        else:
            diff = difflib.unified_diff(
                lines, code.splitlines(), name, n=0, lineterm=""
            )
            print("\nnot seen:", *diff, sep="\n", flush=True)
    script.write_text("\n".join(lines) + "\n")
    print(f"\n{name}: {seen} of {len(found)} mutants seen", flush=True)


def main(only: str = "") -> None:
    """Try the scripts whose path begins so, in a copy of the checkout."""
    paths = [f"{item}/{n}.py" for item in ITEMS for n in ("main", "questions")]
    chosen = [path for path in paths if path.startswith(only)]
    chosen = [path for path in chosen if (ROOT / path).exists()]
    if not chosen:
        sys.exit(f"no script begins with {only}")
    with TemporaryDirectory() as folder:
        for name in *ITEMS, "tests":
            shutil.copytree(ROOT / name, Path(folder, name))
        for name in "Makefile", "README.md", "pyproject.toml":
            shutil.copy(ROOT / name, folder)
        for path in chosen:
            try_script(Path(folder, path))


if __name__ == "__main__":
    main(*sys.argv[1:])
