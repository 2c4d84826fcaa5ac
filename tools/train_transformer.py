"""Train the masked transformer on a tokenizer's tokens and assemble the bundle.

    python tools/train_transformer.py --data build/motions.npz --tokenizer build/tokenizer \\
        --text build/text/student --evaluator weights/evaluator --out build/transformer \\
        --minutes 50 --bundle weights/starter
    torchrun --nproc-per-node 4 tools/train_transformer.py --device cuda ... (several GPUs)

Resumes by itself where --out holds a checkpoint. With --evaluator the averaged weights are judged
on held-out clips every few minutes, the best are kept and the run ends where they get no better.
With --bundle those weights, the tokenizer and the text encoder are written as a bundle;
``--minutes 0`` writes it from the checkpoint as it stands.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.training.trainer.distributed import joined  # noqa: E402
from mmm_blender.training.trainer.early_stopping import PATIENCE  # noqa: E402
from mmm_blender.training.trainer.token_batches import TEXT_NOISE  # noqa: E402
from mmm_blender.training.trainer.transformer_run import TransformerOptions, fit  # noqa: E402


def parse_options() -> TransformerOptions:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="file of prepare_motions.py")
    parser.add_argument(
        "--tokenizer", type=Path, required=True, help="folder of train_tokenizer.py"
    )
    parser.add_argument("--text", type=Path, required=True, help="folder of train_text_encoder.py")
    parser.add_argument("--evaluator", type=Path, help="folder of train_evaluator.py: stop early")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--bundle", type=Path, help="bundle folder to write in the end")
    parser.add_argument("--licence", default="CC-BY-NC-4.0", help="of the bundle's weights")
    parser.add_argument("--description", default="", help="what the bundle knows, one line")
    parser.add_argument("--minutes", type=float, default=50.0, help="time budget")
    parser.add_argument("--steps", type=int, default=0, help="a fixed number of steps instead")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--text-noise", type=float, default=TEXT_NOISE, help="on text features")
    parser.add_argument("--begin-with", type=Path, help="bundle whose weights are trained further")
    parser.add_argument(
        "--halfway", action="store_true", help="write the mean of --begin-with and what was learnt"
    )
    parser.add_argument("--patience", type=int, default=PATIENCE, help="looks without a better one")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="1 where others use the machine")
    return TransformerOptions(**vars(parser.parse_args()))


def main() -> int:
    options = parse_options()
    with joined(options.device) as team:
        fit(options, team)
    return 0


if __name__ == "__main__":
    run(main)
