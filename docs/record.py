"""Prints who runs when in a demo: each line, in each thread, task and child.

    python docs/record.py SCRIPT DEMO FIRST LAST CONSTANTS

Shown are the lines from FIRST to LAST; CONSTANTS are made smaller (JSON).
"""

import ast
import asyncio
import io
import json
import re
import sys
import threading
import types
import weakref
from collections.abc import Callable
from concurrent.futures import thread as pools
from contextlib import redirect_stdout
from dataclasses import dataclass
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import Popen
from typing import Any

RUNS = 5
STATEMENTS = ast.stmt | ast.excepthandler | ast.Lambda
Thread: Any = threading.Thread
# What calls a coroutine, what a pool was given, and a thread's own code
LOOP, ITEM = asyncio.Handle._run.__code__, pools._WorkItem.run.__code__
POOL = ITEM, getattr(pools, "WorkerContext", pools._WorkItem).run.__code__
ENTRIES = *POOL, Thread.run.__code__, Thread._bootstrap_inner.__code__
BIRTHS = Popen.__init__.__code__, BaseProcess.start.__code__
# What libraries run in threads and tasks for themselves
INNER = re.compile(
    r"_worker$|Future|Queue\._feed|_Executor|BaseEventLoop\.|Thread\.|Event\.set|"
    r"_WorkItem|WorkerContext|.*invoke_excepthook"
)
# Names that Python gives, not the script
GIVEN = re.compile(r"(Thread|Task|\w*Process)-|(ThreadPool|asyncio_)")
# Calls that wait. Whether they begin before or after what they wait for has
# happened differs from run to run, and matters to nobody.
WAITS = re.compile(
    r"\b(acquire|as_completed|communicate|get|join|put|result|result_iterator|run|"
    r"select|shutdown|sleep|(?<!s\.)start|wait|__enter__|(?<!Lock\.)__exit__)$"
)


class Lock(threading.Semaphore):
    """A lock whose calls are seen: those of threading's own are not."""


def load(path: Path, small: dict[str, Any]) -> Any:
    """Return a fresh module of a script, with some constants made small.

    They are assigned anew where they are made, also in what it imports.
    """
    unknown = set(small)
    for file in *sorted(path.parent.glob("item[0-9][0-9].py")), path:
        text = file.read_text("utf-8")
        for name, value in small.items():
            made = rf"(?m)^((?:\w+, )*{name}\b[^=\n]*= [^#\n]*)"
            text, times = re.subn(made, rf"\1; {name} = {value!r}", text)
            unknown -= {name} if times else set()
        module: Any = types.ModuleType(file.stem)
        module.__file__, sys.modules[file.stem] = str(file), module
        exec(compile(text, str(file), "exec"), vars(module))
        if hasattr(module, "Lock"):
            module.Lock = Lock
    if unknown:
        raise LookupError(f"{path} has no {unknown}")
    return module


@dataclass
class Lane:
    """A thread, a task or a child, and where it stands."""

    # By a weak reference: a strong one would keep a lost task alive.
    who: Callable[[], Any]
    kind: str
    name: str
    at: tuple[int, str] = 0, ""  # a line, or 0 and a call that is not shown
    wait: tuple[str, str] = "", ""  # a call that waits, for which lane
    step: Any = ()  # its last one

    def lives(self) -> bool:
        """Return whether it has not ended."""
        who = self.who()
        if isinstance(who, Thread):
            return bool(who.is_alive())
        if isinstance(who, asyncio.Task):
            return not who.done()
        return getattr(getattr(who, "_popen", who), "returncode", 0) is None


class Recording:
    """What happens while a demo runs: lanes, steps, and what is printed.

    A step is the lane that moves, how many lines were printed before, the
    numbers of all lanes' states, and whether it leads into a wait.
    """

    def __init__(self, path: Path, lines: dict[int, int]) -> None:
        self.path, self.lines = path, lines
        self.known: list[Lane] = []
        self.lanes: list[Lane] = []  # those that have made a step
        self.steps: list[list[Any]] = []
        self.states: dict[Any, int] = {None: 0}
        self.out, self.mutex = io.StringIO(), threading.Lock()

    def lane(self, who: Any = None) -> Lane:
        """Return the lane of a thread, task or child; of who runs this."""
        task = asyncio._get_running_loop() and asyncio.current_task()
        who = who or task or threading.current_thread()
        for lane in self.known:
            if lane.who() is who:
                return lane
        kind, name = "child", getattr(who, "name", "Process-")
        if isinstance(who, asyncio.Task):
            kind, name = "task", who.get_name()
        elif who is threading.main_thread():
            kind = name = "main"
        elif isinstance(who, Thread):
            kind = "thread"
        if given := GIVEN.match(name):
            kind = "pool" if given[2] else kind
            same = sum(lane.kind == kind for lane in self.known)
            name = f"{kind} {same + 1}"
        self.known.append(Lane(weakref.ref(who), kind, name))
        return self.known[-1]

    def add(self, lane: Lane, line: int, call: str) -> None:
        """Note that a lane has got to a line, or to a call."""
        if lane.step and (line, call) == lane.at:
            return
        with self.mutex:
            lane.at, lane.wait = (line, call), ("", "")
            if not lane.step:
                self.lanes.append(lane)
            printed, idle = self.out.getvalue().count("\n"), call == "idle"
            lane.step = [self.lanes.index(lane), printed, [], idle]
            for one in self.lanes:
                state = *one.at, *one.wait, one.kind
                key = state if one.lives() else None
                number = self.states.setdefault(key, len(self.states))
                lane.step[2].append(number)
            lane.wait = "idle" if idle else "await" * (lane.kind == "task"), ""
            self.steps.append(lane.step)

    def move(self, frame: Any) -> None:
        """Note the line on which a stack stands, or the call it began with."""
        while frame and not self.shows(frame.f_code):
            if self.enters(frame):
                self.add(self.lane(), 0, self.name(frame))
            frame = not self.enters(frame) and frame.f_back
        if frame:
            self.add(self.lane(), self.lines[frame.f_lineno], "")

    def owns(self, code: Any) -> bool:
        """Return whether some code is of the script, or of those beside it."""
        return code and Path(code.co_filename).parent == self.path.parent

    def shows(self, code: Any) -> bool:
        """Return whether a page shows some code."""
        here = code.co_filename == str(self.path)
        return here and code.co_firstlineno in self.lines

    def enters(self, frame: Any) -> bool:
        """Return whether a frame is the first of a thread, task or item."""
        code, back = frame.f_code, frame.f_back and frame.f_back.f_code
        task = back is LOOP and code.co_flags & CO_COROUTINE
        there = back in ENTRIES or task
        return bool(there) and not INNER.match(code.co_qualname)

    def name(self, frame: Any) -> str:
        """Return the name of what is called, as a reader knows it."""
        code, names = frame.f_code, [frame.f_code.co_name]
        if "self" in frame.f_locals:
            names.insert(0, type(frame.f_locals["self"]).__name__)
        far = code.co_filename != str(self.path)
        if far and (self.owns(code) or len(names) == 1):
            names.insert(0, frame.f_globals["__name__"].partition(".")[0])
        return ".".join(names)

    def trace(self, frame: Any, event: str, arg: object) -> Any:
        """Look at a call; return what looks at its lines, and at its end."""
        code, back = frame.f_code, frame.f_back and frame.f_back.f_code
        own, shown = frame.f_locals.get("self"), self.shows(code)
        frame.f_trace_lines = shown
        ours, enters = self.owns(back), self.enters(frame)
        if ours and code is Thread.start.__code__:
            self.lane(own)  # numbers them in this order
        waits = WAITS.search(self.name(frame)) or code.co_flags & CO_COROUTINE
        waits = waits and (ours or enters) and not self.owns(code)
        if not (shown or enters or waits or code in (*BIRTHS, ITEM)):
            return None
        lane = self.lane()
        new = not lane.step or lane.at[1] in ("idle", "a call")
        if code is ITEM:
            self.add(lane, 0, "a call")
        elif enters and new and not shown:
            self.move(frame)
        if waits and lane.step:
            targets = [one.name for one in self.known if one.who() is own]
            lane.wait = self.name(frame), "".join(targets)
            lane.step[3] = True
        return self.look

    def look(self, frame: Any, event: str, arg: object) -> Any:
        """Look at the lines of a frame, and at its return."""
        code, lane = frame.f_code, self.lane()
        if event == "line":
            self.move(frame)
        elif event != "return":
            pass
        elif code in BIRTHS:
            if (child := frame.f_locals["self"]).pid:
                program = Path(getattr(child, "args", ["python"])[0]).stem
                self.add(self.lane(child), 0, program)
        elif self.enters(frame):
            if frame.f_back.f_code in POOL:
                self.add(lane, 0, "idle")
        elif code.co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR):
            pass  # these return at each await
        elif self.shows(code):
            self.move(frame.f_back)
        else:
            lane.wait = "", ""
        return self.look

    def run(self, demo: Any) -> Any:
        """Record a demo; return all that is known of it, for JSON."""
        threading.settrace(self.trace)
        with redirect_stdout(self.out):
            sys.settrace(self.trace)
            demo()
            sys.settrace(None)
        threading.settrace(None)
        for step in self.steps:
            step[2] += [0] * (len(self.lanes) - len(step[2]))
        return {
            "lanes": [(lane.kind, lane.name) for lane in self.lanes],
            "states": [*self.states],
            "steps": self.steps,
            "out": self.out.getvalue(),
        }


def main(script: str, demo: str, first: str, last: str, small: str) -> None:
    """Run a demo once as it is, and record it five times."""
    path, values = Path(script), json.loads(small)
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    begins = [node.lineno for node in nodes if isinstance(node, STATEMENTS)]
    lines = {
        line: max(begin for begin in begins if begin <= line)
        for line in range(int(first), int(last) + 1)
    }
    sys.path.insert(0, str(path.parent))
    with redirect_stdout(io.StringIO()) as plain:
        getattr(load(path, values), demo)()
    fresh = (getattr(load(path, values), demo) for _ in range(RUNS))
    runs = [Recording(path, lines).run(demo) for demo in fresh]
    print(json.dumps([plain.getvalue(), runs]))


if __name__ == "__main__":
    main(*sys.argv[1:])
