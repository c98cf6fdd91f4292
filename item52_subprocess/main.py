"""Item 52: use subprocess to manage child processes.

Child processes run in parallel with their parent and with each other, so
Python can keep every core busy by coordinating other programs. `run` is for
the simple case, `Popen` for pipelines and for doing other work meanwhile,
`communicate` with a timeout for children that hang.

    python3 item52_subprocess/main.py 3 8      (no numbers: every example)
"""

import hashlib
import os
import secrets
import subprocess
import sys
from functools import cache
from subprocess import PIPE, CalledProcessError, Popen, TimeoutExpired
from time import perf_counter
from typing import IO

from chapter import run

CHILDREN = 10
NAP = 0.1  # seconds
TIMEOUT = 0.05  # seconds for a child that hangs
PATIENCE = 30.0  # seconds for a child that works
MESSAGES = 3
MESSAGE_SIZE = 10  # bytes

Child = Popen[bytes]
Command = tuple[str, ...]

# Made afresh for each run. Children find it in their environment; on their
# command line, everybody on this machine could read it.
PASSWORD = secrets.token_hex()
ENVIRONMENT = {**os.environ, "PASSWORD": PASSWORD}

# Children that only speak or sleep are Python. Each ends by itself, soon or
# with its pipes, so none outlives this script for long, however it ends.
PYTHON = sys.executable, "-IS", "-c"
SPEAK = *PYTHON, "print('Hello from the child')"
FAIL = *PYTHON, "raise SystemExit(3)"
LISTEN = *PYTHON, "import sys; sys.stdin.read()"
TAKE_A_NAP = *PYTHON, f"import time; time.sleep({NAP})"
HANG = *PYTHON, "import time\nwhile True: print(flush=True); time.sleep(0.01)"

CIPHER = "openssl", "enc", "-des3", "-pbkdf2", "-pass", "env:PASSWORD"
DIGEST = "openssl", "dgst", "-sha256", "-binary"

# Where `openssl` is missing or fails, a toy takes the place of its cipher:
# XOR with bytes made from the password encrypts, and undoes itself.
TOY_CIPHER_CODE = """
import hashlib, os, sys
data = sys.stdin.buffer.read()
key = hashlib.shake_256(os.environ["PASSWORD"].encode()).digest(len(data))
sys.stdout.buffer.write(bytes(a ^ b for a, b in zip(data, key)))
"""
DIGEST_CODE = """
import hashlib, sys
sys.stdout.buffer.write(hashlib.sha256(sys.stdin.buffer.read()).digest())
"""


# Example 1
def run_to_completion() -> None:
    """`run` starts a child, waits for it, and returns its output."""
    child = subprocess.run(SPEAK, capture_output=True, check=True, text=True)
    print(child.stdout, end="")
    try:
        subprocess.run(FAIL, capture_output=True, check=True)
    except CalledProcessError as error:
        print(f"{type(error).__name__}: exit status {error.returncode}")


def start(command: Command, stdin: int | IO[bytes] | None = PIPE) -> Child:
    """Start a child on pipes and, on POSIX, out of the reach of Ctrl-C."""
    return Popen(
        command,
        stdin=stdin,
        stdout=PIPE,
        stderr=PIPE,
        env=ENVIRONMENT,
        start_new_session=True,
    )


def finish(child: Child, data: bytes | None = None) -> bytes:
    """Send a child data, wait for its end, and return its output.

    Raises CalledProcessError if it fails, TimeoutExpired after PATIENCE.
    """
    output, errors = child.communicate(data, timeout=PATIENCE)
    if child.returncode != 0:
        raise CalledProcessError(child.returncode, child.args, output, errors)
    return output or b""


# Example 2
def poll_and_work() -> None:
    """The parent works while a child runs, and polls until it has ended."""
    rounds = 0
    with start(LISTEN) as child:
        while child.poll() is None:
            rounds += 1  # the parent's work
            if rounds == 3:
                assert child.stdin is not None
                child.stdin.close()  # the child is waiting for this
    print(f"Exit status {child.returncode}")
    print("The parent worked at least three rounds:", rounds >= 3)


# Example 3
def sleep_in_parallel() -> None:
    """Ten children that sleep at the same time take the time of one."""
    began = perf_counter()
    children = [start(TAKE_A_NAP) for _ in range(CHILDREN)]

    # Example 4
    for child in children:
        finish(child)
    seconds = perf_counter() - began
    print("Exit statuses", *(child.returncode for child in children))
    print(f"here: {CHILDREN} naps of {NAP} s took {seconds:.3f} s together")


@cache
def find_tools() -> tuple[str, Command, Command, Command]:
    """Return the tools that work here: name, cipher, decipher, digest."""
    decipher = *CIPHER, "-d"
    try:
        encrypted = finish(start(CIPHER), b"a")
        decrypted = finish(start(decipher), encrypted)
        digest = finish(start(DIGEST), b"a")
        if (decrypted, digest) == (b"a", hashlib.sha256(b"a").digest()):
            return "openssl", CIPHER, decipher, DIGEST
    except (OSError, subprocess.SubprocessError):
        pass
    toy = *PYTHON, TOY_CIPHER_CODE
    return "a toy in Python", toy, toy, (*PYTHON, DIGEST_CODE)


# Example 5
def run_encrypt(data: bytes) -> Child:
    """Start a child that encrypts data; its stdout yields the ciphertext."""
    _, cipher, _, _ = find_tools()
    child = start(cipher)
    assert child.stdin is not None
    # Ten bytes fit into the pipe, which holds some 64 KiB. More data would
    # need communicate(), which writes and reads at the same time.
    child.stdin.write(data)
    child.stdin.flush()
    return child


# Example 6
def encrypt_in_parallel() -> None:
    """Three children encrypt at the same time what the parent sends."""
    messages = [secrets.token_bytes(MESSAGE_SIZE) for _ in range(MESSAGES)]
    children = [run_encrypt(message) for message in messages]

    # Example 7
    encrypted = [finish(child) for child in children]
    print("Exit statuses", *(child.returncode for child in children))
    name, _, decipher, _ = find_tools()
    plain = [finish(start(decipher), data) for data in encrypted]
    print(f"Decryption restores all {MESSAGE_SIZE} bytes:", plain == messages)
    print(f"here: encrypted by {name}")


# Example 8
def run_hash(input_stdin: int | IO[bytes] | None) -> Child:
    """Start a child that digests its stdin; its stdout yields the digest."""
    *_, digest = find_tools()
    return start(digest, input_stdin)


# Example 9
def start_pipeline(data: bytes) -> tuple[Child, Child]:
    """Start a child that encrypts data into another that digests it."""
    encrypt = run_encrypt(data)
    hash_ = run_hash(encrypt.stdout)
    # Only the second child may hold the reading end of the pipe. If it dies,
    # the first one cannot write any more, and ends instead of hanging.
    assert encrypt.stdout is not None
    encrypt.stdout.close()
    encrypt.stdout = None
    return encrypt, hash_


# Example 10
def encrypt_into_hash() -> None:
    """Three pipelines: one child's output is the next one's input."""
    pipelines = [
        start_pipeline(secrets.token_bytes(MESSAGE_SIZE))
        for _ in range(MESSAGES)
    ]
    for encrypt, hash_ in pipelines:
        finish(encrypt)  # closes its stdin, too: the end of the input
        digest = finish(hash_)
        print("Exit statuses", encrypt.returncode, hash_.returncode, end=", ")
        print(f"a digest of {len(digest)} bytes")
    print(f"here: digested by {find_tools()[0]}")


# Example 11
def time_out() -> None:
    """A child that hangs is terminated after a timeout."""
    with start(HANG) as child:
        try:
            child.communicate(timeout=TIMEOUT)
        except TimeoutExpired as error:
            print(f"{type(error).__name__} after {error.timeout} s")
            child.terminate()  # leaving the block waits for its end
    print(f"here: exit status {child.returncode} (-15 is signal 15, SIGTERM)")


EXAMPLES = {
    (1,): run_to_completion,
    (2,): poll_and_work,
    (3, 4): sleep_in_parallel,
    (5, 6, 7): encrypt_in_parallel,
    (8, 9, 10): encrypt_into_hash,
    (11,): time_out,
}

if __name__ == "__main__":
    run(__doc__, EXAMPLES)
