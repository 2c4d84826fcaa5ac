"""Make a data set of motions on this machine or on many, through Ray.

    python tools/generate_dataset.py --prompts FILE.csv --out DIR
    python tools/generate_dataset.py --prompts FILE.parquet --out /shared/DIR --ray ADDRESS:6379

The clips come as Parquet shards, whole or not at all; a second run goes on where one was stopped.
Needs the extra: pip install .[cluster]. What columns and exit codes mean: --help.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from mmm_blender.dataset.command import main

    sys.exit(main(sys.argv[1:], "generate_dataset"))
