"""How well motions go to rigs: the table of docs/rigs.md.

    python tools/evaluate_rigs.py [--clips FOLDER] [--edits N] [--write] [--picture FILE]

Every convention of the presets is built with several proportions, A-poses of 0 to 80 degrees and
random rolls; Rigify's human is generated. Clips come from the starter weights, a prompt each, or
from .npz files (rotations_TJ4, root_T3, fps). --write puts the table into docs/rigs.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tools"))

from _rigs.clips import generated_clips, stored_clips  # noqa: E402  # once the path knows it
from _rigs.evaluation import evaluate  # noqa: E402
from _rigs.pictures import draw_rigs  # noqa: E402
from _rigs.report import table, write_table  # noqa: E402

DOCUMENT = ROOT / "docs" / "rigs.md"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Evaluate motions on rigs.")
    parser.add_argument("--clips", type=Path, help="folder of .npz clips")
    parser.add_argument("--bundle", type=Path, default=ROOT / "weights" / "starter")
    parser.add_argument("--edits", type=int, default=300, help="random edits over all presets")
    parser.add_argument("--write", action="store_true", help="into docs/rigs.md")
    parser.add_argument("--picture", type=Path, help="draw the first clip on three rigs, no table")
    options = parser.parse_args()
    clips = stored_clips(options.clips) if options.clips else generated_clips(options.bundle)
    if options.picture:
        draw_rigs(options.picture, next(iter(clips.values())))
        return 0
    text = table(evaluate(clips, options.edits))
    print(text)
    if options.write:
        write_table(DOCUMENT, text)
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # Blender's module complains at an ordinary end
