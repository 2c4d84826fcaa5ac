"""Train the motion tokenizer from a prepared data set.

    python tools/train_tokenizer.py --data build/motions.npz --out build/tokenizer --minutes 25
    torchrun --nproc-per-node 4 tools/train_tokenizer.py --device cuda ... (several GPUs)

Resumes by itself where --out holds a checkpoint. Writes tokenizer.pt (averaged weights, config)
and figures.json on held-out clips.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.training.trainer.distributed import joined  # noqa: E402
from mmm_blender.training.trainer.tokenizer_run import TokenizerOptions, fit  # noqa: E402


def parse_options() -> TokenizerOptions:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="file of prepare_motions.py")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--minutes", type=float, default=25.0, help="time budget")
    parser.add_argument("--steps", type=int, default=0, help="a fixed number of steps instead")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--parts", nargs="+", default=["lower", "upper"], help="body parts")
    parser.add_argument("--codebooks", type=int, nargs="+", default=[2, 2], help="of each part")
    parser.add_argument("--codes", type=int, default=1024, help="entries of each codebook")
    parser.add_argument("--code-dim", type=int, default=16)
    parser.add_argument("--levels", type=int, nargs="+", default=[], help="finite scalar codes")
    parser.add_argument("--no-revival", action="store_true", help="leave dead codes dead")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="1 where others use the machine")
    return TokenizerOptions(**vars(parser.parse_args()))


def main() -> int:
    options = parse_options()
    with joined(options.device) as team:
        fit(options, team)
    return 0


if __name__ == "__main__":
    run(main)
