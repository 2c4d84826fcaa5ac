"""Score a bundle with samplers that differ in one thing each, on the same held-out clips.

python tools/compare_sampling.py --bundle weights/starter --data build/motions.npz
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS.parent))

from _dev.program import run  # noqa: E402

from mmm_blender.motion.config import SamplerConfig  # noqa: E402
from mmm_blender.motion.pipeline.pipeline import GenerateRequest, GenerateResult, MotionPipeline  # noqa: E402
from mmm_blender.training.data.dataset import UNSEEN_STYLES, UNSEEN_TAKES, load_examples  # noqa: E402
from mmm_blender.training.evaluation.evaluator import load_evaluator  # noqa: E402
from mmm_blender.training.evaluation.judging import quick_scores  # noqa: E402

CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"revisions": 4},
    {"guidance": 1.5, "temperature": 0.7, "confidence_noise": 1.0, "revisions": 4},
    {"guidance": 1.0},
    {"guidance": 1.5},
    {"guidance": 3.0},
    {"guidance": 4.0},
    {"full_length_steps": 5},
    {"full_length_steps": 18},
    {"temperature": 0.7},
    {"temperature": 1.2},
    {"confidence_noise": 0.0},
    {"confidence_noise": 6.0},
    {"schedule": "linear"},
)
"""What each row changes in the bundle's own sampler."""


@dataclass(frozen=True, eq=False)
class Changed:
    """A generator whose requests are sampled otherwise."""

    generator: MotionPipeline
    sampler: SamplerConfig

    def generate_batch(self, requests: Sequence[GenerateRequest]) -> list[GenerateResult]:
        changed = [replace(request, sampler=self.sampler) for request in requests]
        return self.generator.generate_batch(changed)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=TOOLS.parent / "weights" / "starter")
    parser.add_argument("--data", type=Path, required=True, help="file of prepare_motions.py")
    parser.add_argument("--evaluator", type=Path, default=TOOLS.parent / "weights" / "evaluator")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> int:
    options = parse_options()
    torch.set_num_threads(options.threads)
    generator = MotionPipeline.load(options.bundle, threads=options.threads)
    evaluator = load_evaluator(options.evaluator)
    examples = load_examples(options.data, mirror=False)
    sets = (UNSEEN_TAKES, UNSEEN_STYLES)
    heads = [f"{name}, {where}" for where in sets for name in ("FID", "R@3")]
    print(f"| sampler | {' | '.join(heads)} |\n|{' --- |' * (len(heads) + 1)}")
    for change in CHANGES:
        changed = Changed(generator, replace(generator.config.sampler, **change))
        scores = [quick_scores(changed, evaluator, examples[name], options.seed) for name in sets]
        cells = [f"{score['fid']:.3f} | {score['r3']:.3f}" for score in scores]
        said = ", ".join(f"{name} {value}" for name, value in change.items()) or "as shipped"
        print(f"| {said} | {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    run(main)
