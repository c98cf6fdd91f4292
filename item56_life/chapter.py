"""Runs a script as a command: the same file in all nine folders."""

import os
import signal
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping
from errno import EINVAL, EPIPE
from io import TextIOWrapper
from typing import Any

if sys.version_info < (3, 11):  # noqa: UP036
    print("needs Python 3.11 or newer, not", sys.version, file=sys.stderr)
    sys.exit(2)


def own_signals() -> None:
    """Let Ctrl-C end this process at once, whatever its threads do."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    if sys.platform != "win32":
        # What a parent ignores or blocks, its children would inherit.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def describe(names: Any, demo: Callable[[], None]) -> tuple[str, str]:
    """Return a demo's heading and its words, from its docstring."""
    first, last = names[0], names[-1]
    kind = "Question" if isinstance(first, str) else "Example"
    label = f"{kind} {first}" if first == last else f"{kind}s {first}-{last}"
    # Under -OO, there are no docstrings.
    title, *words = (demo.__doc__ or demo.__name__).splitlines()
    return f"{label}: {title}", "\n".join(map(str.strip, words)).rstrip()


def run(lesson: str | None, demos: Mapping[Any, Callable[[], None]]) -> None:
    """Run the demos named on the command line, or all; 2 if one is unknown."""
    headings = [describe(names, demo)[0] for names, demo in demos.items()]
    parser = ArgumentParser(
        description=lesson,
        epilog="\n".join(headings),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", type=str.upper, metavar="NAME")
    known = [str(name) for names in demos for name in names]
    chosen = set()
    for argument in parser.parse_args().names:
        try:
            ends = sorted(map(known.index, argument.split("-")))
        except ValueError:
            there = " to ".join(dict.fromkeys((known[0], known[-1])))
            parser.error(f"no {argument} here, only {there}")
        chosen.update(known[ends[0] : ends[-1] + 1])  # 1-3, as in a heading
    if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
        # Threads print, too, but only here is a closed pipe to be met.
        sys.stdout.reconfigure(line_buffering=False, write_through=False)
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
                heading, words = describe(names, demo)
                print(heading)
                demo()
                print(words, end="\n\n" if words else "\n", flush=True)
    except OSError:
        try:
            print(flush=True)
        except OSError as error:
            # Nobody reads on, as after `| head -1`; EINVAL is for Windows.
            if error.errno in (EPIPE, EINVAL):
                os._exit(1)
        raise
