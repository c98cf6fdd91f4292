"""The comparison of the ways; item 58's folder has what they import."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "item58_queue_refactor"))

if hasattr(os, "sched_getaffinity"):
    CORES = len(os.sched_getaffinity(0))  # that this process may use
else:
    CORES = os.cpu_count() or 1
