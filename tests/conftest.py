"""Settings that pytest's own configuration cannot express."""

import os
import signal

from tests.helpers import ENVIRONMENT


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
