"""Item 52: use subprocess to manage child processes.

Child processes run in parallel with their parent and with each other, so
Python can keep every core busy by coordinating other programs. `run` is for
the simple case, `Popen` for pipelines and for doing other work meanwhile,
`communicate` with a timeout for children that hang.

    python3 item52_subprocess/main.py 3 8      (no numbers: every example)
"""

import atexit
import os
import secrets
import shutil
import subprocess
import sys
from subprocess import DEVNULL, PIPE, CalledProcessError, Popen, TimeoutExpired
from time import perf_counter
from typing import IO

from chapter import run

CHILDREN = 10
NAP = 0.1  # seconds
TIMEOUT = 0.05  # seconds for a child that hangs
PATIENCE = 30.0  # seconds for a child that works
MESSAGES = [secrets.token_bytes(10) for _ in range(3)]

Child = Popen[bytes]

# Not on children's command lines, which everybody on this machine can read.
PASSWORD = secrets.token_hex()
WITH_KEY = {**os.environ, "PASSWORD": PASSWORD}

# Children that only speak or sleep are Python. However this script ends, they
# end as well, on their own or because their pipes do.
PYTHON = [sys.executable, "-IS", "-c"]
SPEAK = [*PYTHON, "print('Hello from the child')"]
FAIL = [*PYTHON, "raise SystemExit(3)"]
LISTEN = [*PYTHON, "import sys; sys.stdin.read()"]
TAKE_A_NAP = [*PYTHON, f"import time; time.sleep({NAP})"]
HANG = [
    *PYTHON,
    "import time\nwhile True: print(flush=True); time.sleep(0.01)",
]

# Where there is no `openssl`, a toy takes the place of its cipher: XOR with
# bytes made from the password encrypts, and undoes itself.
TOY = """
import hashlib, os, sys
data = sys.stdin.buffer.read()
key = hashlib.shake_256(os.environ["PASSWORD"].encode()).digest(len(data))
sys.stdout.buffer.write(bytes(a ^ b for a, b in zip(data, key)))
"""
SHA256 = """
import hashlib, sys
sys.stdout.buffer.write(hashlib.sha256(sys.stdin.buffer.read()).digest())
"""
if openssl := shutil.which("openssl"):
    TOOLS = "openssl"
    ENCRYPT = [openssl, "enc", "-aes256", "-pbkdf2", "-pass", "env:PASSWORD"]
    DECRYPT = [*ENCRYPT, "-d"]
    DIGEST = [openssl, "dgst", "-sha256", "-binary"]
else:
    TOOLS = "toys in Python"
    ENCRYPT = DECRYPT = [*PYTHON, TOY]
    DIGEST = [*PYTHON, SHA256]


# Example 1
def run_to_completion() -> None:
    """`run` starts a child, waits for it, and returns its output."""
    child = subprocess.run(
        SPEAK, capture_output=True, check=True, encoding="utf-8"
    )
    print(child.stdout, end="")
    try:
        subprocess.run(FAIL, capture_output=True, check=True)
    except CalledProcessError as error:
        print(f"{type(error).__name__}: exit status {error.returncode}")


def start(command: list[str], stdin: int | IO[bytes] | None = PIPE) -> Child:
    """Start a child on pipes."""
    child = Popen(command, stdin=stdin, stdout=PIPE, stderr=PIPE, env=WITH_KEY)
    atexit.register(child.kill)  # in case that it hangs
    return child


def finish(child: Child, data: bytes | None = None) -> bytes:
    """Send a child data, wait for its end, and return its output.

    Raises CalledProcessError if it fails, TimeoutExpired after PATIENCE.
    """
    if data is None:
        _open, child.stdin = child.stdin, None  # it is not closed here
    try:
        output, errors = child.communicate(data, timeout=PATIENCE)
    except TimeoutExpired:
        child.kill()
        child.wait()
        raise
    if child.returncode != 0:
        error = CalledProcessError(child.returncode, child.args)
        error.add_note(errors.decode(errors="replace"))  # its last words
        raise error
    return output or b""


# Example 2
def poll_and_work() -> None:
    """While a child runs, the parent works, and poll() returns None."""
    with start(LISTEN) as child:
        for _ in range(3):
            print("Working... poll() returns", child.poll())
    # Leaving the block has closed the input for whose end the child waited.
    print("Exit status", child.poll())


# Example 3
def sleep_in_parallel() -> None:
    """Ten children that sleep at the same time take the time of one."""
    began = perf_counter()
    children = [start(TAKE_A_NAP, DEVNULL) for _ in range(CHILDREN)]

    # Example 4
    for child in children:
        finish(child)
    seconds = perf_counter() - began
    print("Exit statuses", *(child.returncode for child in children))
    print(f"here: {CHILDREN} naps of {NAP} s took {seconds:.3f} s together")


# Example 5
def run_encrypt(data: bytes) -> Child:
    """Start a child that encrypts data; its stdout yields the ciphertext."""
    child = start(ENCRYPT)
    assert child.stdin is not None
    # Ten bytes fit into the pipe, which holds 64 KiB on Linux. More would need
    # communicate(), which writes and reads at the same time (questions.py A).
    child.stdin.write(data)
    child.stdin.flush()
    return child


def end_inputs(children: list[Child]) -> None:
    """Close each child's stdin, so that it meets the end of its input."""
    for child in children:
        assert child.stdin is not None
        child.stdin.close()


# Example 6
def encrypt_in_parallel() -> None:
    """Three children run at once, and encrypt what the parent sends.

    communicate() would close only its own child's input. With the others'
    left open, they would end one after another.
    """
    children = [run_encrypt(message) for message in MESSAGES]
    running = sum(child.poll() is None for child in children)
    print(f"{running} children have their data, and wait for its end")
    end_inputs(children)

    # Example 7
    encrypted = [finish(child) for child in children]
    plain = sum(a in b for a, b in zip(MESSAGES, encrypted, strict=True))
    print(
        f"{plain} of {len(MESSAGES)} messages can be read in what they wrote"
    )
    decrypted = [finish(start(DECRYPT), data) for data in encrypted]
    print("Decryption restores every byte:", decrypted == MESSAGES)
    print(f"here: {TOOLS}")


# Example 8
def run_hash(input_stdin: int | IO[bytes] | None) -> Child:
    """Start a child that digests its stdin; its stdout yields the digest."""
    return start(DIGEST, input_stdin)


# Example 9
def start_pipeline(data: bytes) -> tuple[Child, Child]:
    """Start a child that encrypts data into another that digests it."""
    encrypt = run_encrypt(data)
    hash_ = run_hash(encrypt.stdout)
    # Only the second child may hold the reading end of the pipe. If it dies,
    # the first one cannot write any more, and ends instead of hanging.
    assert encrypt.stdout is not None
    encrypt.stdout.close()
    encrypt.stdout = None  # communicate() would read it
    return encrypt, hash_


# Example 10
def encrypt_into_hash() -> None:
    """Three pipelines: one child's output is the next one's input."""
    pipelines = [start_pipeline(message) for message in MESSAGES]
    end_inputs([encrypt for encrypt, _ in pipelines])
    digests = set()
    for encrypt, hash_ in pipelines:
        finish(encrypt)
        digests.add(finish(hash_))
        print("Exit statuses", encrypt.returncode, hash_.returncode)
    print("Different digests:", len(digests))


# Example 11
def time_out() -> None:
    """A child that hangs is terminated after a timeout."""
    with start(HANG) as child:
        try:
            child.communicate(timeout=TIMEOUT)
        except TimeoutExpired as error:
            print(type(error).__name__)
            child.terminate()  # questions.py C
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
