"""The claims of item 52, about child processes."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.helpers import LIMIT, load, own, printed

main = load("item52_subprocess")
LARGE = os.urandom(1_000_000)  # more than a pipe holds


def python(code: str) -> list[str]:
    """Return a command that runs code."""
    return [*main.PYTHON, code]


@pytest.fixture(autouse=True)
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """See to it that no child outlives a test."""
    started: list[Any] = []
    start = main.start

    def noted(*args: Any) -> Any:
        started.append(start(*args))
        return started[-1]

    monkeypatch.setattr(main, "start", noted)
    yield
    for child in started:
        with child:
            child.kill()


TOY = {
    "TOOLS": "toys in Python",
    "ENCRYPT": python(main.TOY),
    "DECRYPT": python(main.TOY),
    "DIGEST": python(main.SHA256),
}


@pytest.fixture(params=[{"TOOLS": main.TOOLS}, TOY], ids=["found", "toys"])
def tools(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the name of the tools: what is found here, and the toys."""
    with patch.multiple(main, **request.param):
        yield main.TOOLS


def test_a_failed_child_raises_with_its_command_and_its_last_words() -> None:
    """They do not go to the reader's terminal."""
    command = python("raise SystemExit('no')")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        main.finish(main.start(command, subprocess.DEVNULL))
    assert command[-1] in str(caught.value)
    (note,) = caught.value.__notes__
    assert own(note).strip() == "no"
    with pytest.raises(subprocess.CalledProcessError):
        printed(main.run_to_completion, SPEAK=main.FAIL)


@patch.object(main, "PATIENCE", 0.1)
def test_a_child_that_hangs_is_given_up_and_killed() -> None:
    """Nothing waits without a limit, and nothing is left."""
    child = main.start(main.HANG, subprocess.DEVNULL)
    with pytest.raises(subprocess.TimeoutExpired):
        main.finish(child)
    assert child.returncode


def test_a_child_that_hangs_ends_with_its_pipe() -> None:
    """At its next line."""
    child = main.start(main.HANG)
    child.stdout.close()
    assert child.wait(LIMIT) != 0


def test_what_was_encrypted_decrypts_to_what_was_sent(tools: str) -> None:
    """By a decryption that shares nothing with the item's own."""
    child = main.run_encrypt(b"0123456789")
    main.end_inputs([child])
    encrypted = main.finish(child)
    if tools == "openssl":
        command = ["openssl", "aes-256-cbc", "-d", "-pbkdf2"]
        decrypted = subprocess.run(
            [*command, "-k", main.PASSWORD],
            input=encrypted,
            capture_output=True,
            check=True,
        ).stdout
    else:
        key = hashlib.shake_256(main.PASSWORD.encode()).digest(10)
        decrypted = bytes(a ^ b for a, b in zip(encrypted, key, strict=True))
    assert decrypted == b"0123456789"
    assert main.finish(main.start(main.DECRYPT), encrypted) == decrypted


def test_the_first_child_ends_if_the_second_dies() -> None:
    """Only the second one can read the pipe."""
    encrypt, hash_ = main.start_pipeline(b"")
    assert encrypt.stdout is None  # or Windows' communicate() would read it
    hash_.kill()
    hash_.communicate()
    encrypt.communicate(LARGE, timeout=LIMIT)
    assert encrypt.returncode != 0


@pytest.mark.usefixtures("tools")
def test_the_digest_is_that_of_the_input() -> None:
    with open(__file__, "rb") as stdin:
        digest = main.finish(main.run_hash(stdin))
    assert digest == hashlib.sha256(Path(__file__).read_bytes()).digest()


def test_the_password_is_new_in_each_run_and_on_no_command_line() -> None:
    assert len(main.PASSWORD) > 32
    assert main.PASSWORD != load.__wrapped__("item52_subprocess").PASSWORD
    assert main.PASSWORD not in " ".join(main.run_encrypt(b"").args)
