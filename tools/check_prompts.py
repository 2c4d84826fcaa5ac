"""Count how often a bundle's prompts give the motion that they name.

python tools/check_prompts.py --bundle weights/starter --seeds 100 [--seconds 4] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.geometry.deeds.facts import Facts  # noqa: E402
from mmm_blender.motion.pipeline.pipeline import GenerateRequest, MotionPipeline  # noqa: E402
from mmm_blender.training.data.motion_facts import CHECKS, PROMPTS  # noqa: E402

BATCH = 20  # clips at once: more take memory and no less time


def share_obeyed(
    generator: MotionPipeline, prompt: str, check: str, seeds: int, seconds: float
) -> float:
    requests = [GenerateRequest(prompt, seconds, seed) for seed in range(seeds)]
    batches = [requests[at : at + BATCH] for at in range(0, seeds, BATCH)]
    made = [result for batch in batches for result in generator.generate_batch(batch)]
    return sum(CHECKS[check](Facts.of(result.clip)) for result in made) / seeds


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=ROOT / "weights" / "starter")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="where the shares go")
    options = parser.parse_args()
    generator = MotionPipeline.load(options.bundle, threads=options.threads)
    shares: dict[str, float] = {}
    print("| check | prompt | obeyed |\n| --- | --- | --- |")
    for check, prompts in PROMPTS.items():
        for prompt in prompts:
            share = share_obeyed(generator, prompt, check, options.seeds, options.seconds)
            shares[f"{check}: {prompt}"] = share
            print(f"| {check} | {prompt} | {share:.0%} |", flush=True)
    print(f"| all | | {sum(shares.values()) / len(shares):.0%} |")
    if options.json:
        options.json.write_text(json.dumps(shares, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    run(main)
