"""Run a command in the environment of a group of packages; make that first.

    python3 requirements/environment.py test python -m pytest

An environment belongs to one Python, one place of the checkout and one list
of packages: another of these gets another environment, in .envs.
"""

import os
import re
import shutil
import subprocess
import sys
import zlib
from ast import literal_eval
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).resolve().parent.parent
BIN = "Scripts" if os.name == "nt" else "bin"
# What users set for their own programs would change what ours do.
THEIRS = (
    *("PYTHON", "PYTEST", "PIP_", "MPL", "MATPLOTLIB", "FORCE_COLOR"),
    *("MAKE", "MFLAGS", "GNUMAKEFLAGS", "LANG", "LC_"),
)
# Of what they set for pip, these send packages elsewhere, or ask for others.
NOT_OURS = (
    *("user", "target", "prefix", "root", "dry-run", "config-file"),
    *("constraint", "requirement", "editable"),
)


def which(command: str, folder: Path) -> str | None:
    """Return the path of a command of an environment."""
    return shutil.which(command, path=folder / BIN)


def named(*what: object) -> str:
    """Return a short name for what an environment depends on."""
    return f"{zlib.crc32(repr(what).encode()):08x}"


def variables() -> dict[str, str]:
    """Return the environment variables for all that runs here."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(THEIRS)
    }
    direct = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
    direct = f"{direct},localhost,127.0.0.1".lstrip(",")
    return {**ours, "no_proxy": direct, "NO_PROXY": direct}


def call(*command: str | Path, **more: str) -> str:
    """Return what a command prints; SystemExit, by its last line, if it fails.

    More are environment variables.
    """
    result = subprocess.run(
        command, capture_output=True, text=True, env=variables() | more
    )
    if result.returncode:
        *_, last = ["", *result.stderr.strip().splitlines()]
        sys.exit(f"No packages (is there a network? a pip.conf?): {last}")
    return result.stdout


def settings(pip: Path) -> dict[str, str]:
    """Return what pip needs to find packages here, as variables."""
    given = {k: v for k, v in os.environ.items() if k.startswith("PIP_")}
    listed = call(pip, "-m", "pip", "config", "list", **given)
    found = {"PIP_CONFIG_FILE": os.devnull}
    for section in "global", "install", ":env:":  # the last counts most
        for name, value in re.findall(rf"(?m)^{section}\.(.+?)=(.+)$", listed):
            if name not in NOT_OURS:
                name = f"PIP_{name.upper().replace('-', '_')}"
                found[name] = literal_eval(value)
    return found


def build(group: str, packages: Path, folder: Path) -> None:
    """Make an environment in a folder."""
    if not (find_spec("venv") and find_spec("ensurepip")):
        sys.exit(
            f"{sys.executable} has no venv: install it (Debian: apt install"
            " python3-venv), or choose another Python: make PYTHON=..."
        )
    print(f"making {folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
    venv = sys.executable, "-m", "venv"
    if group == "pip":  # for all others: it takes as long as the rest
        call(*venv, folder)
        return
    pip = environment("pip") / BIN / "python"
    call(*venv, "--without-pip", folder)
    install = "install", "--no-compile", "--require-hashes", "-r", packages
    into = "-m", "pip", "--python", folder
    call(pip, *into, *install, **settings(pip))
    if not any(folder.rglob("*.dist-info")):
        sys.exit("pip has installed nothing here: see `pip config list`")


def environment(group: str) -> Path:
    """Return the folder of a group's environment.

    Whatever fails, another one that works stays as it is until this one does.
    """
    packages = ROOT / "requirements" / f"{group}.txt"
    pins = packages.read_bytes() if group != "pip" else b""
    python = f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}"
    place = named(sys.version, sys.base_prefix, str(ROOT))
    home = ROOT / ".envs" / f"{python}-{place}"
    name = f"{group}-{named(pins)}-"
    complete = [mark.parent for mark in home.glob(f"{group}-*/ready")]
    for folder in complete:
        # Its Python may have gone meanwhile.
        if folder.name.startswith(name) and which("python", folder):
            return folder
    try:
        home.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix=name, dir=home))
    except OSError as error:
        sys.exit(f"{error}: use a copy of this folder that can be written")
    try:
        build(group, packages, folder)
    except BaseException:
        shutil.rmtree(folder)
        raise
    (folder / "ready").touch()
    for old in complete:
        shutil.rmtree(old)
    return folder


if __name__ == "__main__":
    group, command, *arguments = sys.argv[1:]
    program = which(command, environment(group)) or command
    if os.name == "posix":
        os.execve(program, [program, *arguments], variables())
    sys.exit(subprocess.call([program, *arguments], env=variables()))
