"""Item 57: what readers ask next about threads.

python3 item57_threads/questions.py A      (no letters: every question)
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from threading import ExceptHookArgs, Thread, current_thread

from chapter import run


def fail() -> None:
    """Raise OSError, with the name of the thread in which it is raised."""
    raise OSError(f"no I/O in {current_thread().name}")


def exception_that_went() -> None:
    """Where did my thread's exception go?

    To threading.excepthook, which prints a traceback on stderr. join() knows
    nothing of it. An executor keeps it in the future, and result() raises it.
    Ask every future for its result; otherwise its exception is lost.
    """
    reports: list[str] = []

    def note(report: ExceptHookArgs) -> None:
        reports.append(f"{report.exc_type.__name__}: {report.exc_value}")

    hook = threading.excepthook
    threading.excepthook = note
    try:
        thread = Thread(target=fail, name="Thread A")
        thread.start()
        thread.join()
        print("join() returned; threading.excepthook got", *reports)
        reports.clear()
        with ThreadPoolExecutor(1, "Pool") as pool:
            future = pool.submit(fail)
        print(f"With an executor, the hook was called {len(reports)} times")
    finally:
        threading.excepthook = hook
    try:
        future.result()
    except OSError as error:
        print(f"result() raised it in {current_thread().name}:", end=" ")
        print(f"{type(error).__name__}: {error}")


QUESTIONS = {"A": exception_that_went}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
