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
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.motion.config import TokenizerConfig, TransformerConfig  # noqa: E402
from mmm_blender.training.trainer.bundle_run import BundleRun, BundleRunPlan  # noqa: E402
from mmm_blender.training.trainer.masked_training import TransformerPlan  # noqa: E402
from mmm_blender.training.trainer.probe import (  # noqa: E402
    try_capture,
    try_compile,
    write_found,
)
from mmm_blender.training.trainer.tokenizer_training import TokenizerPlan  # noqa: E402
from mmm_blender.training.trainer.weight_pack import read_pack  # noqa: E402

PROBES = ("capture", "compile")


def parse_options() -> argparse.Namespace:
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
    parser.add_argument("--deadline", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    return parser.parse_args()


def begin_parts(options: argparse.Namespace) -> int:
    """Start the probe and a process for each set; wait for the sets."""
    options.out.mkdir(parents=True, exist_ok=True)
    for probe in PROBES:
        (options.out / f"{probe}.json").unlink(missing_ok=True)
    deadline = time.time() + options.seconds
    names = [entry.partition("=")[0] for entry in options.set]
    refused = {"capture": options.no_capture, "compile": options.no_compile}
    wanted = [probe for probe in PROBES if not refused[probe]]
    probes = wanted if options.device == "cuda" else []
    started = {
        part: subprocess.Popen(
            [sys.executable, *sys.argv, "--part", part, "--deadline", str(deadline)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        for part in (*probes, *names)
    }
    codes = {name: started[name].wait() for name in names}
    for probe in probes:
        if started[probe].poll() is None:
            started[probe].terminate()
    for probe in PROBES:
        (options.out / f"{probe}.json").unlink(missing_ok=True)
    print("ended with", codes, "seconds left", round(deadline - time.time(), 1), flush=True)
    return max(map(abs, codes.values()))


def train_set(options: argparse.Namespace) -> int:
    """One set, in this process."""
    torch.set_num_threads(1 if options.device == "cpu" else 2)
    BundleRun(run_plan(options)).run()
    return 0


def run_plan(options: argparse.Namespace) -> BundleRunPlan:
    """The plan of this process's set."""
    data = {name: Path(path) for name, path in (entry.split("=", 1) for entry in options.set)}
    sizes = {name: path.stat().st_size for name, path in data.items()}
    share = sizes[options.part] / sum(sizes.values())  # a larger set has more to prepare
    shared = max(2, round(share * (os.cpu_count() or 1)))
    tokenizer, transformer = plans(options)
    tokenizer_config, transformer_config = configs(options)
    return BundleRunPlan(
        name=options.part,
        data=data[options.part],
        text=options.text,
        out=options.out,
        deadline=options.deadline,
        tokenizer=tokenizer,
        transformer=transformer,
        tokenizer_config=tokenizer_config,
        transformer_config=transformer_config,
        device=options.device,
        variants=options.variants,
        processes=options.processes or shared,
        pairs=options.pairs,
        most_clips=options.clips,
        seed=options.seed,
        begin=read_pack(options.begin_with, options.part) if options.begin_with else None,
        probes=options.out if options.device == "cuda" else None,
    )


def plans(options: argparse.Namespace) -> tuple[TokenizerPlan, TransformerPlan]:
    """How both networks are trained; the transformer has the seconds that are left."""
    tokenizer = TokenizerPlan(
        options.tokenizer_seconds,
        batch=options.tokenizer_batch,
        rate=options.tokenizer_rate,
        precision=options.precision,
        seed=options.seed,
    )
    transformer = TransformerPlan(
        0.0,
        batch=options.batch,
        rate=options.rate,
        precision=options.precision,
        seed=options.seed,
    )
    return tokenizer, transformer


def configs(options: argparse.Namespace) -> tuple[TokenizerConfig, TransformerConfig]:
    """Sizes of both networks."""
    tokenizer = TokenizerConfig(
        width=options.tokenizer_width, codebooks=tuple(options.codebooks), codes=1024, code_dim=16
    )
    transformer = TransformerConfig(
        width=options.width,
        layers=options.layers,
        cross_layers=options.cross_layers,
        heads=options.heads,
        dropout=options.dropout,
        text_width=384,
        path_condition=True,
    )
    return tokenizer, transformer


def probe(options: argparse.Namespace) -> int:
    """Try a step of the real size, and write how fast it was."""
    tokenizer, transformer = configs(options)
    if options.part == "capture":
        found = try_capture(tokenizer, plans(options)[0])
    else:
        found = try_compile(transformer, tokenizer, options.batch, options.precision)
    write_found(options.out / f"{options.part}.json", found)
    print(options.part, found, flush=True)
    return 0


def main() -> int:
    options = parse_options()
    if options.part is None:
        return begin_parts(options)
    return probe(options) if options.part in PROBES else train_set(options)


if __name__ == "__main__":
    run(main)
