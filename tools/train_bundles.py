"""Train tokenizer and transformer of one or more sets of clips at once, by the clock.

    python tools/train_bundles.py --set starter=build/starter.npz --set open=build/open.npz \\
        --text build/text/student --out build/run --seconds 520 --device cuda
    python tools/write_bundle.py --packs build/run --set starter --text build/text/student \\
        --bundle weights/starter

One process a set shares the device; a probe first tries whether a step can be captured and compiled
there. Writes NAME.N.pack (weights, small enough to travel) and NAME.log, now and then and in the
end. --begin-with FOLDER goes on from the packs of an earlier run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.training.trainer.parts_run import (  # noqa: E402
    PROBES,
    BundleOptions,
    begin_parts,
    train_set,
    try_step,
)


def parse_options() -> BundleOptions:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--set", action="append", required=True, help="NAME=prepared file")
    parser.add_argument("--text", type=Path, required=True, help="folder of the text encoder")
    parser.add_argument("--out", type=Path, required=True, help="folder for packs and logs")
    parser.add_argument("--seconds", type=float, default=520.0, help="for everything")
    parser.add_argument("--tokenizer-seconds", type=float, default=150.0)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--processes", type=int, default=0, help="0: the CPUs, shared by the sets")
    parser.add_argument("--variants", type=int, default=10, help="of each clip")
    parser.add_argument("--pairs", type=int, default=40_000, help="composites of each kind")
    parser.add_argument("--clips", type=int, default=0, help="at most (rehearsal); 0: all")
    parser.add_argument("--tokenizer-width", type=int, default=256)
    parser.add_argument("--codebooks", type=int, nargs="+", default=[2, 2])
    parser.add_argument("--tokenizer-batch", type=int, default=256)
    parser.add_argument("--tokenizer-rate", type=float, default=6e-4)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--layers", type=int, default=7)
    parser.add_argument("--cross-layers", type=int, default=2)
    parser.add_argument("--heads", type=int, default=5)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--no-capture", action="store_true", help="no CUDA graphs")
    parser.add_argument("--no-compile", action="store_true", help="no torch.compile")
    parser.add_argument("--begin-with", type=Path, help="folder of an earlier run's packs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--deadline", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--part", default="", help=argparse.SUPPRESS)
    return BundleOptions(**vars(parser.parse_args()))


def main() -> int:
    options = parse_options()
    if not options.part:
        return begin_parts(options)
    return try_step(options) if options.part in PROBES else train_set(options)


if __name__ == "__main__":
    run(main)
