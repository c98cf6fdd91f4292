"""Settings that pytest's own configuration cannot express."""

import os
import signal
import threading

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to rewrite golden transcripts where nobody reviews them."""
    # The benchmarks' environment has no snapshots
    update = config.getoption("update_snapshots", False)
    if update and os.environ.get("CI"):
        raise pytest.UsageError(
            "--snapshot-update is refused where CI is set: run `make golden`"
            " by hand, and commit the transcripts once you have read them"
        )


def pytest_sessionstart() -> None:
    """Let the scripts under test hear Ctrl-C.

    A shell's background jobs, `make soak &` for one, ignore it, and children
    inherit that.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """How thorough to be where more is better, and takes longer."""
    parser.addoption(
        "--moments",
        type=int,
        default=3,
        help="at how many moments to press Ctrl-C in each script (3)",
    )


@pytest.fixture(scope="session")
def moments(request: pytest.FixtureRequest) -> int:
    """At how many moments to press Ctrl-C in each script."""
    return int(request.config.getoption("--moments"))
