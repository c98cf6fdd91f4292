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
from dataclasses import asdict, dataclass
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import Popen
from typing import Any

RUNS, STEPS = 5, 400
NEVER = 9999
Thread: Any = threading.Thread
Item: Any = pools._WorkItem
Handle: Any = asyncio.Handle
Context: Any = getattr(pools, "WorkerContext", Item)  # since 3.14
# What calls a thread's own code, a coroutine, and what a pool was given
BOOT, RUN = Thread._bootstrap_inner.__code__, Thread.run.__code__
LOOP, ITEM = Handle._run.__code__, Item.run.__code__
POOL = ITEM, Context.run.__code__
BIRTHS = Popen.__init__.__code__, BaseProcess.start.__code__
# Files of threads and tasks that a library runs for itself
INNER = re.compile(r"base_events|concurrent.futures|multiprocessing")
# Names that Python gives, not the script
GIVEN = re.compile(r"(Thread|Task|\w*Process)-|(ThreadPool|asyncio_)")
# Calls that wait. Whether they begin before or after what they wait for has
# happened differs from run to run, and matters to nobody.
WAITS = re.compile(
    r"\b(acquire|as_completed|communicate|get|join|put|result|result_iterator|"
    r"run|select|shutdown|sleep|start|wait|__enter__|(?<!^Lock\.)__exit__)$"
)


@dataclass
class Step:
    """A lane has got to a line, or to what is not shown (line 0)."""

    lane: int
    line: int
    printed: int  # lines
    call: str  # the function that is not shown
    wait: str = ""  # the call that waits
    target: int = -1  # for this lane, if that is known
    until: int = NEVER  # how many steps there were when it returned


@dataclass
class Lane:
    """A thread, a task or a child; how many steps there were at its end."""

    kind: str
    name: str
    last: Step | None = None
    end: int = NEVER


class Lock:
    """A lock that knows who holds it."""

    def __init__(self) -> None:
        self.real, self.holder = threading.Lock(), threading.main_thread()

    def acquire(self, *args: Any, **options: Any) -> bool:
        if acquired := self.real.acquire(*args, **options):
            self.holder = threading.current_thread()
        return acquired

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.real.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def at_end(act: Callable[[Any], None]) -> Any:
    """Return what looks at a frame, and acts when it returns."""

    def trace(frame: Any, event: str, arg: object) -> Any:
        return act(frame) if event == "return" else trace

    return trace


def statements(path: Path, first: int, last: int) -> dict[int, int]:
    """Return for each line between first and last where its statement is."""
    begins = {line: line for line in range(first, last + 1)}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.stmt) and first <= node.lineno <= last:
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if body else node.end_lineno or 0
            lines = range(node.lineno, end + 1)
            begins |= dict.fromkeys(lines, node.lineno)
    return begins


def load(path: Path, small: dict[str, Any]) -> Any:
    """Return a fresh module of a script, with some constants made small.

    They are assigned anew where they are made, also in what it imports.
    """
    unknown = set(small)
    for file in *sorted(path.parent.glob("item[0-9][0-9].py")), path:
        body: list[ast.stmt] = []
        for node in ast.parse(file.read_text("utf-8")).body:
            body.append(node)
            text = ast.unparse(node) if isinstance(node, ast.Assign) else ""
            for name in re.findall(r"\w+", text.rpartition(" = ")[0]):
                unknown.discard(name)
                if name in small:
                    body += ast.parse(f"{name} = {small[name]!r}").body
        module: Any = types.ModuleType(file.stem)
        module.__file__, sys.modules[file.stem] = str(file), module
        exec(compile(ast.Module(body, []), str(file), "exec"), vars(module))
        if hasattr(module, "Lock"):
            module.Lock = Lock
    if unknown:
        raise LookupError(f"{path} has no {unknown}")
    return module


class Recording:
    """What happens while a demo runs: lanes, steps, and what is printed."""

    def __init__(self, path: Path, lines: dict[int, int]) -> None:
        self.path, self.lines = path, lines
        self.lanes: list[Lane] = []
        self.steps: list[Step] = []
        # By weak references: a strong one would keep a lost task alive.
        self.known: dict[int, tuple[weakref.ref[Any], int]] = {}
        self.came: dict[int, Step] = {}  # from where shown code was called
        self.out, self.mutex = io.StringIO(), threading.Lock()

    def index(self, who: Any) -> int:
        """Return the index of the lane of a thread, a task, or a child."""
        if id(who) not in self.known or self.known[id(who)][0]() is not who:
            kind, name = "child", getattr(who, "name", "Process-")
            if isinstance(who, asyncio.Task):
                kind, name = "task", who.get_name()
            elif who is threading.main_thread():
                kind = name = "main"
            elif isinstance(who, Thread):
                kind = "thread"
            if given := GIVEN.match(name):
                kind = "pool" if given[2] else kind
                same = sum(lane.kind == kind for lane in self.lanes)
                name = f"{kind} {same + 1}"
            self.known[id(who)] = weakref.ref(who), len(self.lanes)
            self.lanes.append(Lane(kind, name))
        return self.known[id(who)][1]

    def lane(self) -> Lane:
        """Return the lane that runs this."""
        running = asyncio._get_running_loop()
        task = asyncio.current_task() if running else None
        return self.lanes[self.index(task or threading.current_thread())]

    def add(self, lane: Lane, line: int, call: str, again: bool) -> Step:
        """Return the step of a lane that has got to a line, or to a call."""
        now, last = len(self.steps), lane.last
        lane.end = max(lane.end, now + 1)  # excepthook() comes after run()
        with self.mutex:
            for ref, child in [*self.known.values()]:
                process = getattr(ref(), "_popen", ref())
                if getattr(process, "returncode", None) is not None:
                    self.lanes[child].end = min(self.lanes[child].end, now)
            if not last or again or (line or call) != (last.line or last.call):
                index = self.lanes.index(lane)
                printed = self.out.getvalue().count("\n")
                lane.last = last = Step(index, line, printed, call)
                self.steps.append(last)
        return last

    def go(self, line: int, call: str = "") -> None:
        """Note that the lane that runs this has got to a line, or a call."""
        self.add(self.lane(), self.lines.get(line, line), call, False)

    def owns(self, code: Any) -> bool:
        """Return whether some code is of the script, or of those beside it."""
        return code and Path(code.co_filename).parent == self.path.parent

    def shows(self, code: Any) -> bool:
        """Return whether a page shows some code."""
        here = code and code.co_filename == str(self.path)
        return here and code.co_firstlineno in self.lines

    def name(self, frame: Any) -> str:
        """Return the name of what is called, as a reader knows it."""
        code, module = frame.f_code, frame.f_globals["__name__"]
        name: str = code.co_qualname.rpartition("<locals>.")[2]
        far = code.co_filename != str(self.path)
        if far and (self.owns(code) or "." not in name):
            return f"{module.partition('.')[0]}.{name}"
        return name

    def enters(self, frame: Any) -> bool:
        """Return whether a frame is the first of a thread, task or item."""
        code, back = frame.f_code, frame.f_back and frame.f_back.f_code
        run = back is BOOT and code.co_name == "run" and code is not RUN
        task = back is LOOP and code.co_flags & CO_COROUTINE
        there = run or task or back is RUN or back in POOL
        return bool(there) and not INNER.search(code.co_filename)

    def leave(self, frame: Any) -> None:
        """Note the end of the first frame of a thread, task or item."""
        if frame.f_back.f_code in POOL:
            self.go(0, "idle")
        else:
            self.lane().end = len(self.steps)  # of a task's, the last counts

    def wait(self, frame: Any) -> Any:
        """Note that a call may wait; return what looks at its end."""
        lane, own = self.lane(), frame.f_locals.get("self")
        step = lane.last
        if not step:
            return None
        if isinstance(own, Lock) and not own.real.locked():
            if step.line and not step.wait:  # it might have waited
                step.wait, step.until = self.name(frame), 0
            return None
        if step.wait and lane.kind != "task":
            step = self.add(lane, step.line, step.call, True)
        step.wait, step.until = self.name(frame), NEVER
        own = own.holder if isinstance(own, Lock) else own
        step.target = self.known.get(id(own), (None, -1))[1]
        return at_end(lambda _: setattr(step, "until", len(self.steps)))

    def bear(self, frame: Any) -> None:
        """Note that a child process has been started."""
        child = frame.f_locals["self"]
        if child.pid:
            program = Path(getattr(child, "args", ["python"])[0]).stem
            self.add(self.lanes[self.index(child)], 0, program, False)

    def trace(self, frame: Any, event: str, arg: object) -> Any:
        """Look at a call; return what looks at its lines, or its end."""
        code, back = frame.f_code, frame.f_back and frame.f_back.f_code
        if code is Thread.start.__code__:
            self.index(frame.f_locals["self"])  # numbers them in this order
        if code is ITEM:
            self.go(0, "a call")
        if self.shows(code):
            if not self.shows(back) and (last := self.lane().last):
                self.came[id(frame)] = last
            return self.trace_shown
        frame.f_trace_lines = False
        if code in BIRTHS:
            return at_end(self.bear)
        waits = WAITS.search(code.co_qualname) or code.co_flags & CO_COROUTINE
        if self.enters(frame):
            if (last := self.lane().last) and last.call == "a call":
                last.call = self.name(frame)
            elif not last:
                self.go(0, self.name(frame))
            if waits and not self.owns(code):
                self.wait(frame)
            return at_end(self.leave)
        if waits and self.owns(back) and not self.owns(code):
            return self.wait(frame)
        return None

    def trace_shown(self, frame: Any, event: str, arg: object) -> Any:
        """Look at the lines of a frame, and at its return."""
        back, flags = frame.f_back, frame.f_code.co_flags
        if event == "line":
            self.go(frame.f_lineno)
        elif event == "return" and back:
            came = self.came.pop(id(frame), None)
            if self.enters(frame):
                self.leave(frame)
            elif flags & (CO_COROUTINE | CO_ASYNC_GENERATOR):
                pass  # these return at each await
            elif self.shows(back.f_code):
                self.go(back.f_lineno)
            elif came:
                self.go(came.line, came.call)
        return self.trace_shown

    def run(self, demo: Any) -> Any:
        """Record a demo; return all that is known of it, for JSON."""
        self.index(threading.main_thread())
        threading.settrace(self.trace)
        with redirect_stdout(self.out):
            sys.settrace(self.trace)
            demo()
            sys.settrace(None)
        threading.settrace(None)
        used = sorted({step.lane for step in self.steps})
        for step in self.steps:
            step.lane = used.index(step.lane)
            known = step.target in used
            step.target = used.index(step.target) if known else -1
        lanes = [self.lanes[index] for index in used]
        ends = [(lane.kind, lane.name, lane.end) for lane in lanes]
        return ends, [*map(asdict, self.steps)], self.out.getvalue()


def main(script: str, demo: str, first: str, last: str, small: str) -> None:
    """Run a demo once as it is, and record it five times, or until short."""
    path, values = Path(script), json.loads(small)
    lines = statements(path, int(first), int(last))
    sys.path.insert(0, str(path.parent))
    with redirect_stdout(io.StringIO()) as plain:
        getattr(load(path, values), demo)()
    runs: list[Any] = []
    while len(runs) < RUNS or (len(runs) < 30 and len(runs[-1][1]) > STEPS):
        recording = Recording(path, lines)
        runs.append(recording.run(getattr(load(path, values), demo)))
    print(json.dumps([plain.getvalue(), runs[-RUNS:]]))


if __name__ == "__main__":
    main(*sys.argv[1:])
