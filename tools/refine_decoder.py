"""Train a tokenizer's decoders further, on tokens as a transformer makes them: some of them wrong.

    python tools/refine_decoder.py --data build/motions.npz --tokenizer build/tokenizer \\
        --out build/refined --minutes 20
    python tools/refine_decoder.py --data build/motions.npz --tokenizer weights/starter \\
        --out build/refined --bundle build/starter --minutes 50 --threads 1

Encoders and codebooks stay as they are, so every motion keeps its tokens and a transformer that
learnt them keeps its weights. A decoder that only ever saw tokens that belong together turns a
sampled token that does not fit its neighbours into a body that slows down; one that has seen such
tokens makes of them what the neighbours say. Writes tokenizer.pt and figures.json as
train_tokenizer.py does; resumes by itself. Of a bundle the text encoder and the transformer stay as
they are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.training.trainer.decoder_run import DecoderOptions, fit  # noqa: E402


def parse_options() -> DecoderOptions:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="file of prepare_motions.py")
    parser.add_argument(
        "--tokenizer", type=Path, required=True, help="folder of train_tokenizer.py, or a bundle"
    )
    parser.add_argument("--bundle", type=Path, help="where that bundle goes with its new decoders")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--minutes", type=float, default=20.0, help="time budget")
    parser.add_argument("--steps", type=int, default=0, help="a fixed number of steps instead")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="1 where others use the machine")
    return DecoderOptions(**vars(parser.parse_args()))


def main() -> int:
    fit(parse_options())
    return 0


if __name__ == "__main__":
    run(main)
