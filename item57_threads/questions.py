"""Item 57: what readers ask next about threads."""

import threading
from concurrent.futures import ThreadPoolExecutor
from threading import Thread, current_thread

from chapter import run


def exception_that_went() -> None:
    """Where did my thread's exception go?

    To threading.excepthook, which prints a traceback on stderr. join() knows
    nothing of it. An executor keeps it in the future, and result() raises it.
    Ask every future for its result; otherwise its exception is lost.
    """
    reports: list[BaseException | None] = []

    def fail() -> None:
        raise OSError(f"no I/O in {current_thread().name}")

    hook = threading.excepthook
    threading.excepthook = lambda report: reports.append(report.exc_value)
    thread = Thread(target=fail, name="Thread A")
    thread.start()
    thread.join()
    print("join() has returned, threading.excepthook got", reports)
    reports.clear()
    with ThreadPoolExecutor(1, "Pool") as pool:
        future = pool.submit(fail)
    print("With an executor, it got", reports)
    threading.excepthook = hook
    try:
        future.result()
    except OSError as error:
        print(f"result() in {current_thread().name} raises {error!r}")


QUESTIONS = {"A": exception_that_went}

if __name__ == "__main__":
    run(__doc__, QUESTIONS)
