"""The tools: what make runs, and in which environments."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.helpers import ENVIRONMENT, ITEMS, OWN, ROOT, own

Result = subprocess.CompletedProcess[str]
MAKEFILE = ROOT / "Makefile"
RULES = MAKEFILE.read_text()
PYTHON = f"'{sys.executable}'"  # there need not be a python3


def make(*arguments: str | Path, **variables: str) -> Result:
    """Run make in the checkout, with some variables in the environment."""
    if not shutil.which("make"):
        pytest.skip("no make here")
    result = subprocess.run(
        ["make", f"PYTHON={PYTHON}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**ENVIRONMENT, **variables},
    )
    result.stderr = own(result.stderr)
    return result


def test_make_runs_the_nine_items_and_nothing_else(tmp_path: Path) -> None:
    """Whatever else is in the folder; another make is told so."""
    for name in "item54_out.txt", "item61_mine":
        (tmp_path / name).touch()
    inside = "-n", "-C", tmp_path, "-f", MAKEFILE
    commands = make(*inside, "run", "item54").stdout
    assert set(re.findall(r"item\d\d_\w+", commands)) == set(ITEMS)
    assert f"{PYTHON} item54_lock/main.py\n" in commands
    other = make(".BEGIN")  # BSD's runs it first; GNU make never does
    assert other.returncode != 0
    assert "needs GNU make" in other.stderr


def test_what_stands_beside_the_scripts_is_not_looked_at(
    tmp_path: Path,
) -> None:
    """An editor's files, a reader's; what belongs there is listed twice."""
    (tmp_path / "Makefile").write_text(
        f"{RULES}\nshow: ; @echo $(SCRIPTS); echo '$(FILES)'"
    )
    (tmp_path / "item54_lock").mkdir()
    for name in ".#main.py", "._main.py", "main_old.py", "queue.py", "main.py":
        (tmp_path / "item54_lock" / name).touch()
    found = make("-C", tmp_path, "--no-print-directory", "show").stdout
    assert found.splitlines() == ["item54_lock/main.py", " ".join(OWN)]


def test_make_run_fails_where_an_item_does(tmp_path: Path) -> None:
    """And runs no other."""
    for item in ITEMS:
        (tmp_path / item).mkdir()
        code = f"print(); raise SystemExit({item[4:6]} == 54)"
        (tmp_path / item / "main.py").write_text(code)
    result = make("-C", tmp_path, "-f", MAKEFILE, "run")
    assert result.returncode != 0
    assert result.stdout.count("\n\n") == 3


@pytest.mark.parametrize("target", ["run", "item54", "test"])
def test_a_python_that_is_none_is_named_in_one_line(target: str) -> None:
    result = make(target, "PYTHON=python9")
    assert result.returncode != 0
    (line,) = result.stderr.splitlines()
    assert "needs CPython 3.11 or newer, and python9 is none" in line


def test_what_a_user_has_set_for_python_does_not_reach_the_tools(
    tmp_path: Path,
) -> None:
    (tmp_path / "Makefile").write_text(f"{RULES}\nshow: ; @env")
    result = make("-C", tmp_path, "show", PYTHONPATH="x", PIP_CERT="kept")
    assert "PIP_CERT=kept\n" in result.stdout
    assert "PYTHONPATH" not in result.stdout


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Any]:
    """Yield requirements/environment.py, in a checkout of one list.

    What it calls is played: an environment is its Python and a package.
    """

    def play(*command: str | Path, **_: str) -> str:
        if "venv" in command:
            folder = Path(command[-1])
            (folder / module.BIN).mkdir()
            shutil.copy(sys.executable, folder / module.BIN)
            (folder / "a.dist-info").touch()
        return ""

    path = ROOT / "requirements" / "environment.py"
    spec: Any = spec_from_file_location("environment", path)
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    here = tmp_path / "here"
    (here / "requirements").mkdir(parents=True)
    (here / "requirements" / "test.txt").touch()
    with patch.multiple(module, ROOT=here, call=play):
        yield module


def test_an_environment_is_trusted_while_nothing_changes(tool: Any) -> None:
    """Not for another Python, in another place, or if its Python is gone."""
    found = [tool.environment("test"), tool.environment("test")]
    for name in "version", "base_prefix":
        with patch.object(sys, name, "another"):
            found.append(tool.environment("test"))
    moved = shutil.copytree(tool.ROOT, tool.ROOT.parent / "moved")
    with patch.object(tool, "ROOT", moved):
        found.append(tool.environment("test"))
    for python in found[0].glob("*/python*"):
        python.unlink()
    found.append(tool.environment("test"))
    assert found[0] == found[1]
    assert len({folder.name for folder in found}) == len(found) - 1


def test_an_environment_stays_until_the_next_one_works(tool: Any) -> None:
    old = tool.environment("test")
    (tool.ROOT / "requirements" / "test.txt").write_text("another list")
    with (
        patch.object(tool, "build", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        tool.environment("test")
    assert list(old.parent.glob("test-*")) == [old]
    new = tool.environment("test")
    assert list(old.parent.glob("test-*")) == [new] != [old]


def test_what_cannot_be_made_says_what_is_missing(tool: Any) -> None:
    """In one line, and without a trace."""
    with (
        patch.object(tool, "find_spec", return_value=None),
        pytest.raises(SystemExit, match="has no venv: install it"),
    ):
        tool.environment("test")
    with (
        patch.object(tool, "call", return_value=""),
        pytest.raises(SystemExit, match="nothing"),
    ):
        tool.environment("test")
    assert not list(tool.ROOT.glob(".envs/*/test-*"))
    shutil.rmtree(tool.ROOT / ".envs")
    (tool.ROOT / ".envs").touch()  # there is no writing into it
    with pytest.raises(SystemExit, match="that can be written"):
        tool.environment("test")


def test_pip_takes_over_what_it_needs_and_nothing_else(tool: Any) -> None:
    """From its files and from the environment, which counts most."""
    listed = (
        ":env:.default-timeout='9'\n:env:.keyring-provider='import'\n"
        "global.index-url='https://a/b=c'\nglobal.default-timeout='1'\n"
        "install.root='x'\ninstall.target='x'\ninstall.user='true'\n"
    )
    with patch.object(tool, "call", return_value=listed):
        assert tool.settings(Path()) == {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DEFAULT_TIMEOUT": "9",
            "PIP_INDEX_URL": "https://a/b=c",
            "PIP_KEYRING_PROVIDER": "import",
        }


def test_tools_do_not_see_what_would_change_them(tool: Any) -> None:
    """Nor the make that runs them, nor a proxy on the way to themselves."""
    theirs = "PYTEST_ADDOPTS", "MPLBACKEND", "LC_ALL", "MAKEFLAGS", "PIP_USER"
    given = {**dict.fromkeys(theirs, "x"), "NO_PROXY": "a.b"}
    with patch.dict(os.environ, given, clear=True):
        found = tool.variables()
    assert {found.pop("no_proxy"), found.pop("NO_PROXY")} == {
        "a.b,localhost,127.0.0.1"
    }
    assert found == {}
