"""Settings that pytest's own configuration cannot express."""

import os
import signal

import pytest

from tests.helpers import ENVIRONMENT


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to rewrite golden transcripts where nobody reviews them."""
    if config.getoption("update_snapshots", False) and os.environ.get("CI"):
        raise pytest.UsageError(
            "--snapshot-update is refused where CI is set: run `make golden`"
            " by hand, and commit the transcripts once you have read them"
        )


def pytest_sessionstart() -> None:
    """Undo what the tests' own parent ignores, blocks or sets for Python.

    A shell's background jobs ignore Ctrl-C, and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.name == "posix":
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for name in set(os.environ) - set(ENVIRONMENT):
        if name.startswith("PYTHON"):
            del os.environ[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    """How thorough to be where more is better, and takes longer."""
    parser.addoption(
        "--moments",
        type=int,
        default=1,
        help="at how many moments to end each script by signals (1)",
    )


@pytest.fixture(scope="session")
def moments(request: pytest.FixtureRequest) -> int:
    """Return at how many moments to end each script by a signal."""
    return int(request.config.getoption("--moments"))
