"""The claims of item 52, about child processes."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.helpers import LIMIT, load, posix, printed

main = load("item52_subprocess")
LARGE = os.urandom(1_000_000)  # more than a pipe holds


def python(code: str) -> tuple[str, ...]:
    """Return a command that runs code; it takes any arguments."""
    return (*main.PYTHON, code)


@pytest.fixture(autouse=True)
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Return a list of all children that a test starts; none outlives it."""
    started: list[Any] = []
    start = main.start

    def noted(*args: Any) -> Any:
        started.append(start(*args))
        return started[-1]

    monkeypatch.setattr(main, "start", noted)
    yield started
    main.find_tools.cache_clear()
    for child in started:
        with child:
            child.kill()


@pytest.fixture(params=[main.CIPHER, main.FAIL], ids=["found", "toys"])
def tools(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the name of the tools: what is found here, and the toys."""
    with patch.object(main, "CIPHER", request.param):
        yield main.find_tools()[0]


def test_all_ten_children_start_before_a_wait(children: list[Any]) -> None:
    """C52.1, exactly; the time that they take is in test_here.py."""
    started: list[int] = []
    printed(
        main.sleep_in_parallel,
        finish=lambda _: started.append(len(children)),
    )
    assert started == [10] * 10


def test_a_failed_child_raises_with_its_command_and_its_last_words() -> None:
    """C52.2: they do not go to the reader's terminal."""
    command = python("raise SystemExit('no')")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        main.finish(main.start(command))
    assert command[-1] in str(caught.value)
    assert caught.value.stderr.strip() == b"no"
    with pytest.raises(subprocess.CalledProcessError):
        printed(main.run_to_completion, SPEAK=main.FAIL)


@patch.object(main, "PATIENCE", 0.1)
def test_a_child_that_hangs_is_given_up() -> None:
    """C52.2: nothing waits without a limit."""
    with pytest.raises(subprocess.TimeoutExpired):
        main.finish(main.start(main.HANG))


def test_a_child_that_hangs_ends_with_its_pipe() -> None:
    """C52.8: at its next line."""
    child = main.start(main.HANG)
    child.stdout.close()
    assert child.wait(LIMIT) != 0


@pytest.mark.parametrize(("status", "polls"), [(0, 4), (7, 1)])
def test_the_parent_works_meanwhile(status: int, polls: int) -> None:
    """C52.3: its rounds are counted; in the third, it lets the child end."""
    polled = []

    class Child(subprocess.Popen[bytes]):
        def poll(self) -> int | None:
            polled.append(self)
            ends = status or (self.stdin and self.stdin.closed)
            return self.wait(LIMIT) if ends else None

    code = python(f"raise SystemExit({status})") if status else main.LISTEN
    output = printed(main.poll_and_work, Popen=Child, LISTEN=code)
    assert len(polled) == polls
    assert output == (
        f"Exit status {status}\n"
        f"The parent worked at least three rounds: {polls > 3}\n"
    )


def test_what_was_encrypted_decrypts_to_what_was_sent(tools: str) -> None:
    """C52.4, by a decryption that shares nothing with the item's own."""
    encrypted = main.finish(main.run_encrypt(b"0123456789"))
    assert b"0123456789" not in encrypted
    if tools == "openssl":
        command = "openssl", "des3", "-d", "-pbkdf2", "-k", main.PASSWORD
        decrypted = subprocess.run(
            command, input=encrypted, capture_output=True, check=True
        ).stdout
    else:
        key = hashlib.shake_256(main.PASSWORD.encode()).digest(10)
        decrypted = bytes(a ^ b for a, b in zip(encrypted, key, strict=True))
    assert decrypted == b"0123456789"


def test_the_first_child_ends_if_the_second_dies() -> None:
    """C52.5: only the second one can read the pipe."""
    encrypt, hash_ = main.start_pipeline(b"")
    assert encrypt.stdout is None  # or Windows' communicate() would read it
    hash_.kill()
    hash_.communicate()
    encrypt.communicate(LARGE, timeout=LIMIT)
    assert encrypt.returncode != 0


@pytest.mark.usefixtures("tools")
def test_the_digest_is_that_of_the_input() -> None:
    """C52.6."""
    with open(__file__, "rb") as stdin:
        digest = main.finish(main.run_hash(stdin))
    assert digest == hashlib.sha256(Path(__file__).read_bytes()).digest()


@posix
def test_ctrl_c_in_a_terminal_does_not_reach_a_child() -> None:
    """C52.8: it has a session of its own."""
    child = main.start(main.LISTEN)
    assert os.getsid(child.pid) == child.pid


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "print('wrong')"])
def test_an_openssl_is_used_if_it_works_and_only_then(code: str) -> None:
    """C52.4, C52.6: a trial tells. Here, the toys play its parts."""
    toy = python(main.TOY_CIPHER_CODE)
    toys = {"CIPHER": toy, "DIGEST": python(main.DIGEST_CODE)}
    for broken in "", *toys:
        with patch.dict(vars(main), toys | {broken: python(code)}):
            found = main.find_tools.__wrapped__()
        assert found[:2] == ("a toy in Python" if broken else "openssl", toy)


def test_the_password_is_new_in_each_run_and_on_no_command_line() -> None:
    assert len(main.PASSWORD) > 32
    assert main.PASSWORD != load.__wrapped__("item52_subprocess").PASSWORD
    assert main.PASSWORD not in " ".join(main.run_encrypt(b"").args)
