"""Settings that pytest's own configuration cannot express."""

import os
import signal

import pytest

from tests.helpers import POOL, begin


def pytest_sessionstart() -> None:
    """Undo what the tests' own parent ignores or blocks.

    A shell's background jobs ignore Ctrl-C, and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.name == "posix":
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that look at runs of scripts last, and begin those runs.

    Not on Windows, where a thread reads each pipe: some tests count threads.
    """
    marks = {item: item.get_closest_marker("looks_at") for item in items}
    items.sort(key=lambda item: marks[item] is not None)
    for mark in filter(None, marks.values()):
        if os.name == "posix":
            begin(*mark.args)


def pytest_sessionfinish() -> None:
    """Begin no more runs after Ctrl-C, or -x and a failure."""
    POOL.shutdown(cancel_futures=True)
