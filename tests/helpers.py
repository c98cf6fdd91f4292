"""What several test modules need: the items, as modules and as processes."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ITEMS = sorted(path.parent.name for path in ROOT.glob("item*/main.py"))
LIMIT = 30.0  # seconds; a script takes 1.5 on an idle machine

# FORCE_COLOR colors even what goes into a pipe, from 3.13 on.
ENVIRONMENT = {**os.environ, "PYTHON_COLORS": "0"}


@cache
def load(item: str) -> ModuleType:
    """The item's main.py as a module of its own name."""
    path = ROOT / item / "main.py"
    spec = importlib.util.spec_from_file_location(item, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(
    *command: str | Path, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run this Python on a command line, with both outputs as text."""
    return subprocess.run(
        [sys.executable, "-B", *command],
        **{
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "timeout": LIMIT,
            "env": ENVIRONMENT,
            **options,
        },
    )


@cache
def run_copy(item: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a copy of the item, alone in a folder; what is there afterwards.

    This happens once: the golden tests compare the text, and the tests of
    each item the figures on its here: lines.
    """
    with TemporaryDirectory(prefix="a path with spaces ") as folder:
        shutil.copy(ROOT / item / "main.py", folder)
        result = run("-W", "error", "main.py", cwd=folder)
        return result, os.listdir(folder)


def mask(text: str) -> str:
    """Text without what its here: lines say of this machine and run."""
    return re.sub(r"(?m)^here: .*$", "here: ...", text)


def here(item: str, pattern: str) -> list[float]:
    """The figures in the here: line of the item that matches the pattern.

    In the pattern, # stands for a figure.
    """
    regex = re.escape(pattern).replace(re.escape("#"), r"(\d+(?:\.\d+)?)")
    result, _ = run_copy(item)
    lines = re.findall(rf"(?m)^here: .*{regex}.*$", result.stdout)
    assert len(lines) == 1, f"{len(lines)} lines match {pattern!r}"
    (line,) = lines
    return [float(n) for n in ([line] if isinstance(line, str) else line)]
