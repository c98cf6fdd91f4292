"""How a script runs as a command: the same file in all nine folders."""

import os
import signal
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping
from errno import EINVAL, EPIPE
from typing import Any

if sys.version_info < (3, 11):  # noqa: UP036
    print("needs Python 3.11 or newer, not", sys.version, file=sys.stderr)
    sys.exit(2)


def own_signals() -> None:
    """Let Ctrl-C end this process at once, whatever its threads do.

    Undo what children would inherit: signals that are ignored or blocked.
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    if sys.platform != "win32":
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def heading(names: Any, demo: Callable[[], None]) -> str:
    """Return the line above a demo: its numbers or letter, and its title."""
    first, last = names[0], names[-1]
    kind = "Question" if isinstance(first, str) else "Example"
    label = f"{kind} {first}" if first == last else f"{kind}s {first}-{last}"
    # Under -OO, there are no docstrings.
    return f"{label}: {demo.__doc__ or demo.__name__.replace('_', ' ')}"


def run(lesson: str | None, demos: Mapping[Any, Callable[[], None]]) -> None:
    """Run the demos named on the command line, or all of them.

    Exits with status 2 if one is unknown, with 1 once nobody reads stdout.
    """
    parser = ArgumentParser(
        description=lesson, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", type=str.upper, metavar="NAME")
    chosen = parser.parse_args().names
    known = [str(name) for names in demos for name in names]
    for name in chosen:
        if name not in known:
            parser.error(f"no {name}: choose from {known[0]} to {known[-1]}")
    if None in (sys.stdin, sys.stdout, sys.stderr):
        # What is opened next would be taken for the one that is closed.
        while os.open(os.devnull, os.O_RDWR) < 2:
            pass
    # Under a debugger, in a notebook or before a prompt, signals are not ours.
    if sys._getframe(1).f_back is None and not sys.flags.inspect:
        own_signals()
    try:
        for names, demo in demos.items():
            if not chosen or any(str(name) in chosen for name in names):
                print(heading(names, demo))
                demo()
                print(flush=True)
    except OSError:
        try:
            print(flush=True)
        except OSError as error:
            # Nobody reads on, as after `| head -1`; EINVAL is for Windows.
            if error.errno in (EPIPE, EINVAL):
                os._exit(1)
        raise
