"""The claims of item 52, about child processes."""

import gc
import hashlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import (
    ENVIRONMENT,
    LIMIT,
    SCRIPTS,
    load,
    mask,
    run,
    run_copy,
)

main = load("item52_subprocess")
SCRIPT = SCRIPTS["item52_subprocess"]
LARGE = os.urandom(1_000_000)  # more than a pipe holds


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Let each test find the tools anew, and leave nothing open.

    A child or a pipe left behind warns when it is collected: an error.
    """
    main.find_tools.cache_clear()
    yield
    main.find_tools.cache_clear()
    gc.collect()


def python(code: str) -> tuple[str, ...]:
    """Return a command that runs code; it takes any arguments."""
    return (*main.PYTHON, code)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list of all children that main starts from now on."""
    started: list[Any] = []
    start = main.start

    def noted(*args: Any) -> Any:
        started.append(start(*args))
        return started[-1]

    monkeypatch.setattr(main, "start", noted)
    return started


def test_all_ten_children_start_before_one_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, children: list[Any]
) -> None:
    """C52.1, exactly; the time that they take is in test_here.py."""
    started = []
    finish = main.finish

    def noted(child: Any) -> Any:
        started.append(len(children))
        return finish(child)

    monkeypatch.setattr(main, "finish", noted)
    main.sleep_in_parallel()
    assert started == [10] * 10


def test_a_failed_child_raises_and_names_its_command() -> None:
    """C52.2."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        main.finish(main.start(main.FAIL))
    assert caught.value.returncode == 3
    assert main.FAIL[-1] in str(caught.value)


def test_a_child_that_hangs_is_not_waited_for_without_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C52.2."""
    monkeypatch.setattr(main, "PATIENCE", 0.1)
    with main.start(main.HANG) as child:
        with pytest.raises(subprocess.TimeoutExpired):
            main.finish(child)
        child.kill()


def test_the_parent_works_until_the_child_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """C52.3: its rounds are counted, not assumed."""
    monkeypatch.setattr(main, "LISTEN", python("raise SystemExit(7)"))
    monkeypatch.setattr(main.Popen, "poll", main.Popen.wait)
    main.poll_and_work()
    output = capsys.readouterr().out
    assert output == (
        "Exit status 7\nThe parent worked at least three rounds: False\n"
    )


@pytest.mark.parametrize("tools", ["found", "toys"])
def test_what_was_encrypted_decrypts_to_what_was_sent(
    tools: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C52.4, by a decryption that shares nothing with the item's own."""
    if tools == "toys":
        monkeypatch.setattr(main, "CIPHER", python("raise SystemExit(1)"))
    encrypted = main.finish(main.run_encrypt(b"0123456789"))
    assert b"0123456789" not in encrypted
    if main.find_tools()[0] == "openssl":
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
    hash_.kill()
    hash_.communicate()
    encrypt.communicate(LARGE, timeout=LIMIT)
    assert encrypt.returncode != 0


@pytest.mark.parametrize("tools", ["found", "toys"])
def test_the_digest_is_that_of_the_input(
    tools: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """C52.6."""
    if tools == "toys":
        monkeypatch.setattr(main, "DIGEST", python("raise SystemExit(1)"))
    file = tmp_path / "input"
    file.write_bytes(LARGE)
    with file.open("rb") as stdin:
        digest = main.finish(main.run_hash(stdin))
    assert digest == hashlib.sha256(LARGE).digest()


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_after_a_timeout_no_process_is_left(
    children: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """C52.7: terminated, and reaped."""
    main.time_out()
    (child,) = children
    assert child.returncode == -signal.SIGTERM
    with pytest.raises(ChildProcessError):
        os.waitpid(child.pid, os.WNOHANG)
    assert "TimeoutExpired after 0.05 s" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="sessions are those of POSIX")
def test_ctrl_c_in_a_terminal_does_not_reach_a_child() -> None:
    """C52.8: it has a session of its own."""
    with main.start(main.LISTEN) as child:
        assert os.getsid(child.pid) == child.pid


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(1)",
        "print('Salted, but wrong')",
        "import sys; print(sys.stdin.read()); raise SystemExit(1)",
    ],
    ids=["fails", "is wrong", "fails late"],
)
@pytest.mark.parametrize("name", ["CIPHER", "DIGEST"])
def test_an_openssl_that_does_not_work_is_not_used(
    name: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C52.4, C52.6: a trial on a byte finds it out."""
    monkeypatch.setattr(main, name, python(code))
    assert main.find_tools()[0] == "a toy in Python"


def test_every_example_runs_without_openssl() -> None:
    """A here: line names what was used."""
    result = run(SCRIPT, env={**ENVIRONMENT, "PATH": ""})
    assert result.stderr == ""
    assert result.returncode == 0
    assert result.stdout.count("ed by a toy in Python") == 2
    assert mask(result.stdout) == mask(run_copy("item52_subprocess")[0].stdout)


def test_the_password_is_new_in_each_run_and_on_no_command_line() -> None:
    """Everybody can read a command line."""
    command = "-c", "import main; print(main.PASSWORD)"
    first, second = (run(*command, cwd=SCRIPT.parent).stdout for _ in "ab")
    assert len(first) > 32
    assert first != second
    child = main.run_encrypt(b"")
    assert main.PASSWORD not in " ".join(child.args)
    main.finish(child)


def test_a_child_s_last_words_come_with_its_failure() -> None:
    """C52.2, C52.8: they do not go to the reader's terminal."""
    with pytest.raises(subprocess.CalledProcessError) as failure:
        main.finish(main.start(python("raise SystemExit('no')")))
    assert failure.value.stderr.strip() == b"no"


def test_the_child_that_hangs_ends_with_its_pipe() -> None:
    """C52.8: at its next line."""
    with main.start(main.HANG) as child:
        child.stdout.close()
        try:
            assert child.wait(LIMIT) != 0
        finally:
            child.kill()


def test_a_first_child_that_fails_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C52.2."""
    monkeypatch.setattr(main, "SPEAK", main.FAIL)
    with pytest.raises(subprocess.CalledProcessError):
        main.run_to_completion()


def test_an_openssl_that_works_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C52.4: here the toy plays its part."""
    toy = python(main.TOY_CIPHER_CODE)
    monkeypatch.setattr(main, "CIPHER", toy)
    monkeypatch.setattr(main, "DIGEST", python(main.DIGEST_CODE))
    assert main.find_tools()[:2] == ("openssl", toy)
