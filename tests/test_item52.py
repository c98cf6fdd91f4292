"""The claims of item 52, about child processes."""

import gc
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import (
    ENVIRONMENT,
    LIMIT,
    ROOT,
    here,
    here_again,
    load,
    mask,
    run,
    run_copy,
)

main = load("item52_subprocess")
SCRIPT = ROOT / "item52_subprocess" / "main.py"
LARGE = os.urandom(10_000_000)  # more than any pipe holds
ENOUGH = LARGE[:1_000_000]  # so is this

posix = pytest.mark.skipif(
    os.name != "posix", reason="signals and shells are those of POSIX"
)


@pytest.fixture(autouse=True)
def no_open_ends() -> Iterator[None]:
    """A child or pipe left behind warns when it is collected: an error."""
    yield
    gc.collect()


@pytest.fixture
def fake_openssl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """Put a shell script in openssl's place; in it, $REAL is the real one."""
    real = shutil.which("openssl") or "false"

    def install(script: str) -> None:
        fake = tmp_path / "openssl"
        fake.write_text(f"#!/bin/sh\nREAL={real}\n{script}\n")
        fake.chmod(0o755)
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        monkeypatch.setenv("PATH", path)
        main.find_cipher.cache_clear()
        main.find_digest.cache_clear()

    yield install
    main.find_cipher.cache_clear()
    main.find_digest.cache_clear()


def is_gone(process: subprocess.Popen[bytes]) -> bool:
    """Whether the process has ended and has been waited for, too."""
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_ten_naps_together_take_the_time_of_one() -> None:
    """C52.1: 0.10 to 0.12 of the time of ten in a row was measured.

    0.5 leaves a busy machine 0.8 s to start ten children, which need 0.2 s
    of processor time in all; if that is too little, it has more tries.
    """
    shares = []
    for count, nap, together, in_a_row in here_again(
        "item52_subprocess",
        3,
        "# naps of # s took # s (one after another # s)",
    ):
        assert count * nap == in_a_row
        assert nap <= together
        shares.append(together / in_a_row)
        if shares[-1] < 0.5:
            break
    assert min(shares) < 0.5


def test_a_failed_child_raises_and_names_its_command() -> None:
    """C52.2."""
    with main.reaped() as children:
        children.append(main.Popen(main.FAIL))
        with pytest.raises(subprocess.CalledProcessError) as caught:
            main.finish(children[0])
    assert caught.value.returncode == 3
    assert main.FAIL[-1] in str(caught.value)


def test_the_parent_works_while_the_child_runs() -> None:
    """C52.3: the child cannot end before the parent's third round."""
    (rounds,) = here("item52_subprocess", "# rounds")
    assert rounds >= 3


@pytest.mark.parametrize("data", [b"", b"0123456789", LARGE])
def test_what_was_encrypted_decrypts_to_what_was_sent(data: bytes) -> None:
    """C52.4, with a decryption that shares nothing with the item's own."""
    encrypted = main.finish(main.run_encrypt(data))
    assert len(data) < 10 or data[:10] not in encrypted
    name, _, _ = main.find_cipher()
    if name == "a toy in Python":
        key = hashlib.shake_256(main.PASSWORD.encode()).digest(len(data))
        decrypted = bytes(a ^ b for a, b in zip(encrypted, key, strict=True))
    else:
        decrypted = subprocess.run(
            ["openssl", "des3", "-d", "-pbkdf2", "-k", main.PASSWORD],
            input=encrypted,
            capture_output=True,
            check=True,
        ).stdout
    assert decrypted == data


@posix
def test_the_writer_ends_when_its_reader_is_killed() -> None:
    """C52.5: the pipe is the hash child's alone."""
    children: list[Any] = []
    main.start_pipeline(ENOUGH, children)
    encrypt, digest = children
    digest.kill()
    assert encrypt.wait(LIMIT) != 0
    assert digest.wait(LIMIT) == -signal.SIGKILL
    digest.stdout.close()


def test_the_pipeline_ends_when_its_input_ends() -> None:
    """C52.5."""
    children: list[Any] = []
    main.start_pipeline(ENOUGH, children)
    encrypt, digest = children
    assert len(main.finish(digest)) in (32, 64)
    assert main.finish(encrypt) == b""


def digest_of_a_ciphertext(tmp_path: Path) -> tuple[bytes, Path]:
    """The digest that a child gives of a ciphertext; the file it is in."""
    file = tmp_path / "ciphertext"
    file.write_bytes(main.finish(main.run_encrypt(ENOUGH)))
    with file.open("rb") as stdin:
        return main.finish(main.run_hash(stdin)), file


def test_the_digest_is_that_of_the_ciphertext(tmp_path: Path) -> None:
    """C52.6, with whatever digest this machine has."""
    digest, file = digest_of_a_ciphertext(tmp_path)
    name, command = main.find_digest()
    if name.startswith("sha256"):
        expected = hashlib.sha256(file.read_bytes()).digest()
    else:  # by name, from a file: a path through openssl of its own
        expected = subprocess.run(
            [*command, file], capture_output=True, check=True
        ).stdout
    assert digest == expected


@posix
def test_without_whirlpool_the_digest_is_sha_256(
    tmp_path: Path, fake_openssl: Callable[[str], None]
) -> None:
    """C52.6, with a digest that Python computes, too."""
    fake_openssl('case "$*" in *whirlpool*) exit 1; esac; exec $REAL "$@"')
    digest, file = digest_of_a_ciphertext(tmp_path)
    assert digest == hashlib.sha256(file.read_bytes()).digest()


def test_whirlpool_is_the_standard_s(tmp_path: Path) -> None:
    """C52.6: ISO/IEC 10118-3 gives this digest of "abc"."""
    command = next(iter(main.OPENSSL_DIGESTS))
    try:
        subprocess.run(command, input=b"", capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no Whirlpool in this openssl")
    assert main.find_digest()[0] == "whirlpool by openssl"
    file = tmp_path / "abc"
    file.write_bytes(b"abc")
    with file.open("rb") as stdin:
        digest = main.finish(main.run_hash(stdin))
    assert digest.hex().upper() == (
        "4E2448A4C6F486BB16B6562C73B4020BF3043E3A731BCE721AE1B303D97E6D4C"
        "7181EEBDB6C57E277D0E34957114CBD6C797FC9D95D8B582D225292076D4EEF5"
    )


@posix
def test_a_timed_out_child_is_terminated_and_reaped() -> None:
    """C52.7: the exit status says how it ended."""
    child = main.Popen(main.HANG)
    with pytest.raises(subprocess.TimeoutExpired):
        child.communicate(timeout=0.01)
    main.stop(child)
    assert child.returncode == -signal.SIGTERM
    assert is_gone(child)
    status, number = here(
        "item52_subprocess", "exit status -# (-15 is a death by signal #"
    )
    assert (status, number) == (signal.SIGTERM, signal.SIGTERM)


@posix
def test_a_child_that_ignores_terminate_is_killed() -> None:
    """C52.7."""
    child = main.Popen(
        [
            *main.PYTHON,
            "import signal, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "print('deaf', flush=True)\n"
            "time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"deaf\n"
    main.stop(child, patience=0.1)
    assert child.returncode == -signal.SIGKILL
    assert is_gone(child)
    child.stdout.close()


@posix
def test_no_child_outlives_the_block_that_reaps_it() -> None:
    with pytest.raises(ZeroDivisionError), main.reaped() as children:
        children.append(main.Popen(main.HANG, stdout=subprocess.PIPE))
        children.append(main.Popen(main.LISTEN, stdin=subprocess.PIPE))
        raise ZeroDivisionError
    assert all(is_gone(child) for child in children)
    assert children[0].stdout.closed
    assert children[1].stdin.closed


@posix
def test_ctrl_c_waits_until_the_children_are_on_record() -> None:
    children = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt), main.ctrl_c_held():
        # To this thread: pytest has others, which do not hold it back.
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        children.append(main.Popen(main.SPEAK, stdout=subprocess.DEVNULL))
    assert children[0].wait(LIMIT) == 0
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    signal.signal(signal.SIGINT, before)


HALF_WAY = 'cat; echo "Salted, but wrong"; exit 1'


@posix
@pytest.mark.parametrize(
    "script", ["exit 1", "cat", HALF_WAY, '$REAL "$@"; exit 1']
)
def test_an_openssl_that_does_not_work_is_not_used(
    script: str, fake_openssl: Callable[[str], None]
) -> None:
    """It fails, copies, fails half-way, or says that it failed."""
    fake_openssl(script)
    assert main.find_cipher()[0] == "a toy in Python"
    assert main.find_digest()[0] == "sha256 in Python"


def test_every_example_runs_without_openssl() -> None:
    result = run(SCRIPT, env={**ENVIRONMENT, "PATH": ""})
    assert result.stderr == ""
    assert result.returncode == 0
    assert result.stdout.count("in Python") == 2
    assert mask(result.stdout) == mask(run_copy(SCRIPT.parent.name)[0].stdout)


@posix
@pytest.mark.parametrize("size", [10, 10_000_000])
def test_a_child_that_dies_early_is_named(
    size: int, tmp_path: Path, fake_openssl: Callable[[str], None]
) -> None:
    """However much it was still to be sent."""
    dies = tmp_path / "dies"
    fake_openssl(f'test -e {dies} && exit 7; exec $REAL "$@"')
    assert main.find_cipher()[0] == "triple DES by openssl"
    dies.touch()
    with pytest.raises(subprocess.CalledProcessError, match=r"openssl.* 7"):
        main.finish(main.run_encrypt(LARGE[:size]))


@posix
def test_a_child_that_cannot_start_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main.find_cipher()
    main.find_digest()
    monkeypatch.setenv("PATH", str(tmp_path))
    if main.find_cipher()[0] == "a toy in Python":
        pytest.skip("no openssl here")
    with pytest.raises(FileNotFoundError, match="openssl"):
        main.run_encrypt(b"")
    with pytest.raises(FileNotFoundError, match="openssl"):
        main.run_hash(None)


@posix
def test_the_password_is_new_in_each_run_and_on_no_command_line() -> None:
    print_it = "import main; print(main.PASSWORD)"
    first, second = (
        run("-c", print_it, cwd=SCRIPT.parent).stdout.strip() for _ in "ab"
    )
    assert len(first) >= 32
    assert first != second
    child = main.run_encrypt(b"")
    assert main.PASSWORD not in " ".join(map(str, child.args))
    main.finish(child)


def test_sizes_on_here_lines_are_those_of_cipher_and_digest() -> None:
    sent, got = here("item52_subprocess", "# bytes became #")
    (size,) = here("item52_subprocess", "a digest of # bytes")
    assert sent == 10
    assert got in (10, 32)  # openssl adds a salt and fills up the last block
    assert size in (32, 64)


def test_the_first_example_checks_its_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C52.2."""
    monkeypatch.setattr(main, "SPEAK", main.FAIL)
    with pytest.raises(subprocess.CalledProcessError):
        main.run_to_completion()


def test_the_child_is_let_go_in_the_third_round(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """C52.3, with a child that ends the very moment that it may."""

    class Prompt(main.Popen):  # type: ignore[misc, name-defined]
        def poll(self) -> int | None:
            if self.stdin.closed:
                self.wait()
            return super().poll()

    monkeypatch.setattr(main, "Popen", Prompt)
    main.poll_and_work()
    assert capsys.readouterr().out.endswith("here: 3 rounds\n")


@posix
def test_three_children_encrypt_at_the_same_time(
    tmp_path: Path,
    fake_openssl: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """None of them goes on before all three have come."""
    go = tmp_path / "go"
    fake_openssl(
        f"if test -e {go}; then touch {tmp_path}/came.$$; for i in "
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 ; do "
        f"test $(ls {tmp_path} | grep -c came) -ge 3 && break; "
        'test $i = 20 && exit 1; sleep 0.1; done; fi; exec $REAL "$@"'
    )
    assert main.find_cipher()[0] == "triple DES by openssl"
    go.touch()
    main.encrypt_in_parallel()
    assert "Exit statuses 0 0 0" in capsys.readouterr().out


@posix
def test_a_failed_first_child_of_a_pipeline_raises(
    tmp_path: Path, fake_openssl: Callable[[str], None]
) -> None:
    """C52.2: though the second one did well with what it got."""
    fails = tmp_path / "fails"
    fake_openssl(
        f'$REAL "$@" || exit; test ! -e {fails} || test $1 = dgst || exit 7'
    )
    assert main.find_cipher()[0] == "triple DES by openssl"
    main.find_digest()
    fails.touch()
    with pytest.raises(subprocess.CalledProcessError, match=r"enc.* 7"):
        main.encrypt_into_hash()


PRESSED = """
import main, os, signal, sys

class Pressed(main.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        print(self.pid, flush=True)
        os.kill(os.getpid(), signal.SIGINT)

main.Popen = Pressed
signal.signal(signal.SIGINT, signal.default_int_handler)
main.main(sys.argv[1:])
"""


@posix
@pytest.mark.parametrize("number", ["3", "11"])
def test_ctrl_c_while_a_child_starts_ends_that_child(number: str) -> None:
    """It is not on record yet, but nothing happens before it is."""
    result = run("-c", PRESSED, number, cwd=SCRIPT.parent)
    assert result.returncode == 130
    assert result.stderr == ""
    pids = [line for line in result.stdout.split("\n") if line.isdigit()]
    assert pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


@posix
def test_ctrl_c_ends_a_child_that_hangs() -> None:
    """Pressed until heard: just before a wait begins, it does not end it."""
    script = (
        "import main, os, signal, threading\n"
        "main.TIMEOUT = 60\n"
        "heard = threading.Event()\n"
        "def hear(*_):\n"
        "    if not heard.is_set():\n"
        "        heard.set()\n"
        "        raise KeyboardInterrupt\n"
        "signal.signal(signal.SIGINT, hear)\n"
        "def press():\n"
        "    while not heard.wait(0.1):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "communicate = main.Popen.communicate\n"
        "def press_and_wait(*arguments, **options):\n"  # there is a child
        "    threading.Thread(target=press).start()\n"
        "    return communicate(*arguments, **options)\n"
        "main.Popen.communicate = press_and_wait\n"
        "main.main(['11'])\n"
    )
    start = time.monotonic()
    result = run("-c", script, cwd=SCRIPT.parent)
    assert result.returncode == 130
    assert result.stderr == ""
    assert time.monotonic() - start < 20


def edited(folder: Path, *edits: tuple[str, str]) -> Path:
    """A copy of the script with these changes to its text."""
    text = SCRIPT.read_text(encoding="ascii")
    for before, after in edits:
        assert text.count(before) == 1
        text = text.replace(before, after)
    copy = folder / "main.py"
    copy.write_text(text, encoding="ascii")
    return copy


def pressed(script: Path, *arguments: str) -> tuple[int, str, list[str]]:
    """Start a script, press Ctrl-C at its first "now": status, stderr, lines.

    To the script alone: its children are for it to end.
    """
    with subprocess.Popen(
        [sys.executable, "-uB", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdout is not None
        lines = []
        while (line := process.stdout.readline()) not in ("now\n", ""):
            lines.append(line.strip())
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=LIMIT)
    return process.returncode, stderr, lines


@posix
def test_ctrl_c_ends_the_script_while_it_still_imports(tmp_path: Path) -> None:
    """The other items' handler is the same text."""
    slow_import = "import time\nprint('now')\ntime.sleep(20)\n"
    (tmp_path / "argparse.py").write_text(slow_import)
    assert pressed(edited(tmp_path)) == (130, "", [])


@posix
def test_ctrl_c_ends_the_script_s_children_first(tmp_path: Path) -> None:
    script = edited(
        tmp_path,
        ("TIMEOUT = 0.1 ", "TIMEOUT = 60 "),
        ("Popen(HANG)\n", "Popen(HANG); print(child.pid, 'now', sep='\\n')\n"),
    )
    status, stderr, lines = pressed(script, "11")
    assert (status, stderr) == (130, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(lines[-1]), 0)
