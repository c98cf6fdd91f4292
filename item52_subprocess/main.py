"""Item 52: use subprocess to manage child processes.

Child processes run in parallel with their parent and with each other, so
Python can keep every core busy by coordinating other programs. `run` is
for the simple case, `Popen` for pipelines and for other work meanwhile,
`communicate` with a timeout for children that hang.

    python3 item52_subprocess/main.py          every example
    python3 item52_subprocess/main.py 3 8      only these
"""

import os
import signal

if __name__ == "__main__":
    # Before the other imports, which take their time: Ctrl-C ends everything
    # at once, also threads that wait for each other.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import secrets
import subprocess
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from subprocess import (
    DEVNULL,
    PIPE,
    CalledProcessError,
    Popen,
    SubprocessError,
    TimeoutExpired,
)
from tempfile import TemporaryFile
from time import perf_counter
from typing import IO

CHILDREN = 10
NAP = 0.2  # seconds
TIMEOUT = 0.1  # seconds for a child that hangs
TRIAL = 5.0  # seconds for a child that shows what it can do, on a byte
PATIENCE = 30.0  # seconds for a child that works
MESSAGES = 3
MESSAGE_SIZE = 10  # bytes

# Made afresh for each run. Children find it in their environment: on their
# command line, everybody on this machine could read it.
PASSWORD = secrets.token_hex()

Child = Popen[bytes]
Command = tuple[str, ...]

# Children that only speak or sleep are Python, which every machine has.
PYTHON = sys.executable, "-IS", "-c"
SPEAK = *PYTHON, "print('Hello from the child')"
FAIL = *PYTHON, "raise SystemExit(3)"
LISTEN = *PYTHON, "import sys; sys.stdin.read()"
TAKE_A_NAP = *PYTHON, f"import time; time.sleep({NAP})"
HANG = *PYTHON, "import time; time.sleep(60)"

OPENSSL_CIPHER = "openssl", "enc", "-des3", "-pbkdf2", "-pass", "env:PASSWORD"
# Where openssl does not work, a toy takes its place: it mixes the data with a
# stream of bytes made from the password. A second time takes it out again.
TOY_CIPHER_CODE = """
import hashlib, os, sys
data = sys.stdin.buffer.read()
key = hashlib.shake_256(os.environ["PASSWORD"].encode()).digest(len(data))
mixed = int.from_bytes(data) ^ int.from_bytes(key)
sys.stdout.buffer.write(mixed.to_bytes(len(data)))
"""
TOY_DIGEST_CODE = """
import hashlib, sys
sys.stdout.buffer.write(hashlib.sha256(sys.stdin.buffer.read()).digest())
"""
TOY_CIPHER = *PYTHON, TOY_CIPHER_CODE
TOY_DIGEST = *PYTHON, TOY_DIGEST_CODE

# Each with the first bytes of its digest of b"a", in hexadecimal. OpenSSL 3
# has Whirlpool, the book's digest, in its legacy provider only, OpenSSL 1
# knows no providers, and elsewhere Whirlpool is gone.
LEGACY = "-provider", "legacy", "-provider", "default"
OPENSSL_DIGESTS = {
    ("openssl", "dgst", "-whirlpool", "-binary", *LEGACY): "8aca2602792aec6f",
    ("openssl", "dgst", "-whirlpool", "-binary"): "8aca2602792aec6f",
    ("openssl", "dgst", "-sha256", "-binary"): "ca978112ca1bbdca",
}


@contextmanager
def reaped() -> Iterator[list[Child]]:
    """A list for children: none of them outlives the block."""
    children: list[Child] = []
    try:
        yield children
    except KeyboardInterrupt:
        # It may have come while Popen held a lock of its own, for which its
        # wait() would now wait for ever: go without it.
        for child in children:
            child.kill()
            with suppress(OSError):  # it was reaped before
                os.waitpid(child.pid, 0)
        os._exit(130)
    finally:
        for child in children:
            child.kill()
        for child in children:
            with child:  # closes its pipes and waits for it
                pass


@contextmanager
def ctrl_c_held() -> Iterator[None]:
    """Hold Ctrl-C back until the children started here are on record.

    They inherit the block: Ctrl-C is for their parent, who ends them.
    """
    if sys.platform == "win32":  # has no signal masks
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# Example 1
def run_to_completion() -> None:
    """`run` starts a child, waits, and gives what it said."""
    result = subprocess.run(SPEAK, capture_output=True, text=True)
    result.check_returncode()
    print(result.stdout, end="")
    try:
        subprocess.run(FAIL, capture_output=True, check=True)
    except CalledProcessError as error:
        print(f"{type(error).__name__}: exit status {error.returncode}")


# Example 2
def poll_and_work() -> None:
    """The parent works while a child runs, and polls until it has ended."""
    rounds = 0
    with reaped() as children:
        with ctrl_c_held():
            child = Popen(LISTEN, stdin=PIPE)
            children.append(child)
        while child.poll() is None:
            rounds += 1  # the parent's work
            if rounds == 3:
                assert child.stdin is not None
                child.stdin.close()  # which the child waits for
    print(f"Exit status {child.returncode}")
    print("The parent worked three rounds or more:", rounds >= 3)
    print(f"here: {rounds} rounds")


# Example 3
def sleep_in_parallel() -> None:
    """Ten children that sleep together take the time of one."""
    start = perf_counter()
    with reaped() as children:
        with ctrl_c_held():
            for _ in range(CHILDREN):
                children.append(Popen(TAKE_A_NAP))

        # Example 4
        for child in children:
            finish(child)
    seconds = perf_counter() - start
    print("Exit statuses", *(child.returncode for child in children))
    print(f"here: {CHILDREN} naps of {NAP} s took {seconds:.3f} s", end=" ")
    print(f"(one after another {CHILDREN * NAP:.3f} s)")


def finish(child: Child) -> bytes:
    """Wait for a child; give its output, unless that went elsewhere.

    Raises CalledProcessError or TimeoutExpired, which name the command.
    """
    output = b""
    if child.stdout and not child.stdout.closed:
        output, _ = child.communicate(timeout=PATIENCE)
    if child.wait(PATIENCE) != 0:
        raise CalledProcessError(child.returncode, child.args)
    return output


def environment() -> dict[str, str]:
    """This process's environment variables, and the password."""
    return {**os.environ, "PASSWORD": PASSWORD}


def run_on(command: Command, data: bytes, patience: float = TRIAL) -> bytes:
    """What command makes of data; OSError or SubprocessError if it fails."""
    return subprocess.run(
        command,
        input=data,
        stdout=PIPE,
        stderr=DEVNULL,
        env=environment(),
        check=True,
        timeout=patience,  # seconds
    ).stdout


@cache
def find_cipher() -> tuple[str, Command, Command]:
    """The cipher that works here: its name, how to encrypt, how to decrypt."""
    decrypt = *OPENSSL_CIPHER, "-d"
    try:
        encrypted = run_on(OPENSSL_CIPHER, b"a")
        if encrypted != b"a" and run_on(decrypt, encrypted) == b"a":
            return "triple DES by openssl", OPENSSL_CIPHER, decrypt
    except (OSError, SubprocessError):
        pass
    return "a toy in Python", TOY_CIPHER, TOY_CIPHER


@cache
def find_digest() -> tuple[str, Command]:
    """The digest that works here: its name, and the command."""
    for command, digest_of_a in OPENSSL_DIGESTS.items():
        try:
            if run_on(command, b"a").hex().startswith(digest_of_a):
                return command[2][1:] + " by openssl", command
        except (OSError, SubprocessError):
            pass
    return "sha256 in Python", TOY_DIGEST


# Example 5
def run_encrypt(data: bytes) -> Child:
    """Start a child that encrypts data; its stdout gives the ciphertext.

    Raises OSError, which names the command, if the child cannot start.
    """
    _, command, _ = find_cipher()
    # A file cannot fill up as a pipe does. With a pipe, a parent that still
    # writes and a child that waits to be read would wait for each other.
    with TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        return Popen(command, stdin=file, stdout=PIPE, env=environment())


# Example 6
def encrypt_in_parallel() -> None:
    """Three children encrypt at once what the parent sends them."""
    messages = [secrets.token_bytes(MESSAGE_SIZE) for _ in range(MESSAGES)]
    name, _, decrypt = find_cipher()
    with reaped() as children:
        with ctrl_c_held():
            for message in messages:
                children.append(run_encrypt(message))

        # Example 7
        encrypted = [finish(child) for child in children]
    print("Exit statuses", *(child.returncode for child in children))
    decrypted = [run_on(decrypt, data, PATIENCE) for data in encrypted]
    print("Decrypted it is what was sent:", decrypted == messages)
    print(f"here: {MESSAGE_SIZE} bytes became {len(encrypted[0])}: {name}")


# Example 8
def run_hash(stdin: int | IO[bytes] | None) -> Child:
    """Start a child that digests stdin; its stdout gives the digest.

    Raises OSError, which names the command, if the child cannot start.
    """
    _, command = find_digest()
    return Popen(command, stdin=stdin, stdout=PIPE)


# Example 9
def start_pipeline(data: bytes, children: list[Child]) -> None:
    """Add two children: one encrypts data, into the one that digests it."""
    encrypt = run_encrypt(data)
    children.append(encrypt)
    children.append(run_hash(encrypt.stdout))
    # From here on only the second child can read the pipe. If it dies, the
    # first can write no more (SIGPIPE, or EPIPE where that is ignored), and
    # ends too, instead of waiting for ever to be read.
    assert encrypt.stdout is not None
    encrypt.stdout.close()


# Example 10
def encrypt_into_hash() -> None:
    """Three pipelines: one child's output is the next one's input."""
    find_cipher()
    name, _ = find_digest()
    with reaped() as children:
        with ctrl_c_held():
            for _ in range(MESSAGES):
                start_pipeline(secrets.token_bytes(MESSAGE_SIZE), children)
        digests = [finish(child) for child in children[1::2]]
        for child in children[0::2]:
            finish(child)
    print("Exit statuses", *(child.returncode for child in children))
    print(f"{len(set(digests))} different digests")
    print(f"here: a digest of {len(digests[0])} bytes: {name}")


def stop(child: Child, patience: float = 5.0) -> None:
    """Terminate a child and reap it; kill it if it does not go in time."""
    child.terminate()
    try:
        child.wait(patience)  # seconds
    except TimeoutExpired:
        child.kill()
        child.wait()


# Example 11
def time_out() -> None:
    """A child that hangs is given up after a timeout, and ended."""
    with reaped() as children:
        with ctrl_c_held():
            child = Popen(HANG)
            children.append(child)
        try:
            child.communicate(timeout=TIMEOUT)
        except TimeoutExpired as error:
            print(f"{type(error).__name__} after {TIMEOUT} s")
            stop(child)
    print("The child has ended:", child.poll() is not None)
    print(f"here: exit status {child.returncode}", end=" ")
    print("(-15 is a death by signal 15, SIGTERM)")


EXAMPLES = {
    (1,): run_to_completion,
    (2,): poll_and_work,
    (3, 4): sleep_in_parallel,
    (5, 6, 7): encrypt_in_parallel,
    (8, 9, 10): encrypt_into_hash,
    (11,): time_out,
}


def main(arguments: Sequence[str]) -> None:
    """Run the examples with these numbers, or all of them."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", nargs="*", type=int, metavar="N")
    chosen = set(parser.parse_args(arguments).numbers)
    known = {n for numbers in EXAMPLES for n in numbers}
    unknown = chosen - known
    if unknown:
        parser.error(f"no example {min(unknown)}: there are 1 to {max(known)}")
    try:
        for numbers, demo in EXAMPLES.items():
            if not chosen or chosen.intersection(numbers):
                first, last = numbers[0], numbers[-1]
                label = f"s {first}-{last}" if last > first else f" {first}"
                print(f"Example{label}: {demo.__doc__}")
                demo()
                print(flush=True)
    except BrokenPipeError:  # nobody reads on, as after `| head -1`
        os._exit(1)


if __name__ == "__main__":
    # From now on there are children to be ended first.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        main(sys.argv[1:])
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to end
    except KeyboardInterrupt:  # outside of reaped(): there are no children
        sys.exit(130)
