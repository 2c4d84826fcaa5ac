"""Reads a bundle as the worker does, and says what it is or what is wrong with it.

    python tools/check_bundle.py FOLDER

Every file is compared with its hash and every tensor with the networks, and the text encoder is
loaded too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS.parent))

from _dev.program import run  # noqa: E402

from mmm_blender.motion.pipeline.pipeline import MotionPipeline  # noqa: E402


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Check a bundle.")
    parser.add_argument("bundle", type=Path, help="folder of the weights")
    for key, value in MotionPipeline.load(parser.parse_args().bundle).info.items():
        print(f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return 0


if __name__ == "__main__":
    run(main)
