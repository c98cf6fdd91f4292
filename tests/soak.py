"""No flake, measured: run the whole suite many times, and count failures.

Every second run has company: busy processes, twice as many as there are
cores. Prints how many runs failed, and which tests. Zero is the only good
answer: where a tolerance fails, look for an exact fact to assert instead.

    make soak               200 runs
    make soak RUNS=20
"""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPIN = "while True: pass"
TOGETHER = "--numprocesses=auto", "--dist=loadfile"  # as in `make test`


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep so many processes busy; they end with the block."""
    processes = [
        subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def main(runs: int) -> int:
    """Do so many runs; the exit status is 1 if one of them failed."""
    failed_runs = 0
    failed_tests: Counter[str] = Counter()
    for run in range(1, runs + 1):
        load = 2 * (os.cpu_count() or 1) if run % 2 == 0 else 0
        start = time.monotonic()
        with busy(load):
            result = subprocess.run(
                [sys.executable, "-m", "pytest", "-qvv", "-rfE", *TOGETHER],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        seconds = time.monotonic() - start
        word = "failed" if result.returncode else "passed"
        print(
            f"run {run} of {runs}, {load} busy processes beside it:"
            f" {word} after {seconds:.1f} s",
            flush=True,
        )
        if result.returncode:
            failed_runs += 1
            tests = re.findall(r"(?m)^(?:FAILED|ERROR) (\S+)", result.stdout)
            failed_tests.update(tests or ["(no test: the run broke off)"])
            print(result.stdout, flush=True)
    print(f"{failed_runs} of {runs} runs failed")
    for test, count in failed_tests.most_common():
        print(f"{count:5}  {test}")
    return 1 if failed_runs else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
