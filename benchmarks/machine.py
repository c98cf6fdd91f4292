"""What the figures depend on."""

import os
import platform
import sys
from datetime import date
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """What the figures depend on: the processor, Python, the system."""
    processor = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    except OSError:  # not Linux
        pass
    # Before 3.13 there was no Python without a GIL, nor a way to ask
    gil = getattr(sys, "_is_gil_enabled", lambda: True)
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} "
        f"{platform.python_version()}",
        "GIL": gil(),
        "system": platform.platform(),
        "date": date.today().isoformat(),
    }
