"""The comparison of the five ways; item 58's folder has what they import."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "item58_queue_refactor"))
