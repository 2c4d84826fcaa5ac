"""A run that trains the bundles of several sets at once, each in a process of its own.

Where there is a GPU, further processes first try what it can do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from ...motion.config import TokenizerConfig, TransformerConfig
from .bundle_run import BundleRun, BundleRunPlan
from .masked_training import TransformerPlan
from .probe import (
    try_capture,
    try_compile,
    write_found,
)
from .tokenizer_training import TokenizerPlan
from .weight_pack import read_pack

PROBES = ("capture", "compile")


@dataclass(frozen=True)
class BundleOptions:
    """What the command was asked for, by the names of its options."""

    set: list[str]
    text: Path
    out: Path
    seconds: float
    tokenizer_seconds: float
    device: str
    processes: int
    variants: int
    pairs: int
    clips: int
    tokenizer_width: int
    codebooks: list[int]
    tokenizer_batch: int
    tokenizer_rate: float
    width: int
    layers: int
    cross_layers: int
    heads: int
    dropout: float
    batch: int
    rate: float
    precision: str
    no_capture: bool
    no_compile: bool
    begin_with: Path | None
    seed: int
    deadline: float
    part: str


def begin_parts(options: BundleOptions) -> int:
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


def train_set(options: BundleOptions) -> int:
    """One set, in this process."""
    torch.set_num_threads(1 if options.device == "cpu" else 2)
    BundleRun(run_plan(options)).run()
    return 0


def run_plan(options: BundleOptions) -> BundleRunPlan:
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


def plans(options: BundleOptions) -> tuple[TokenizerPlan, TransformerPlan]:
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


def configs(options: BundleOptions) -> tuple[TokenizerConfig, TransformerConfig]:
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


def try_step(options: BundleOptions) -> int:
    """Try a step of the real size, and write how fast it was."""
    tokenizer, transformer = configs(options)
    if options.part == "capture":
        found = try_capture(tokenizer, plans(options)[0])
    else:
        found = try_compile(transformer, tokenizer, options.batch, options.precision)
    write_found(options.out / f"{options.part}.json", found)
    print(options.part, found, flush=True)
    return 0
