"""The comparison of the five ways to do one generation."""

import sys
from pathlib import Path

# This item's folder has chapter.py and copies of the items before it.
ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "item58_queue_refactor"))
