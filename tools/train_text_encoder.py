"""Train the student text encoder: distil a sentence encoder into a few megabytes.

    python tools/train_text_encoder.py --minutes 10 --out build/text/student --motions MOTIONS.npz

Run again with the same arguments to go on after a stop. The held-out figures are printed and
written to figures.json beside the student.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.training.trainer.student_run import StudentOptions, fit  # noqa: E402

DEFAULT_SENTENCES, DEFAULT_BATCH, DEFAULT_RATE = 160_000, 256, 2e-3


def parse_options() -> StudentOptions:
    parser = argparse.ArgumentParser(description="Distil a sentence encoder into a few megabytes.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "text" / "student")
    parser.add_argument("--teacher", type=Path, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--minutes", type=float, default=10.0, help="training time")
    parser.add_argument("--sentences", type=int, default=DEFAULT_SENTENCES)
    parser.add_argument("--motions", type=Path, help="file of prepare_motions.py: its captions too")
    parser.add_argument("--batch", type=int, default=DEFAULT_BATCH)
    parser.add_argument("--rate", type=float, default=DEFAULT_RATE)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    return StudentOptions(**vars(parser.parse_args()))


def main() -> int:
    fit(parse_options())
    return 0


if __name__ == "__main__":
    run(main)
