"""Train the evaluator that tools/evaluate.py judges with, on training clips alone.

    python tools/train_evaluator.py --data build/motions.npz --text weights/starter/text \\
        --out build/evaluator --minutes 12 --evaluator weights/evaluator

Resumes by itself where --out holds a checkpoint. Train it once, before the generator, and keep it:
figures of two evaluators cannot be compared.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.training.trainer.evaluator_run import EvaluatorOptions, fit  # noqa: E402


def parse_options() -> EvaluatorOptions:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="file of prepare_motions.py")
    parser.add_argument("--text", type=Path, required=True, help="folder of a student text encoder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--evaluator", type=Path, help="folder to write the evaluator to")
    parser.add_argument("--minutes", type=float, default=12.0, help="time budget")
    parser.add_argument("--steps", type=int, default=0, help="a fixed number of steps instead")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="1 where others use the machine")
    return EvaluatorOptions(**vars(parser.parse_args()))


def main() -> int:
    fit(parse_options())
    return 0


if __name__ == "__main__":
    run(main)
