"""Train the motion tokenizer from a prepared data set.

    python tools/train_tokenizer.py --data build/motions.npz --out build/tokenizer --minutes 25

Resumes by itself where --out holds a checkpoint. Writes tokenizer.pt (averaged weights, config)
and figures.json on held-out clips.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _program import run  # noqa: E402

from mmm_blender.motion.config import TokenizerConfig, to_json  # noqa: E402
from mmm_blender.motion.tokenizer import Tokenizer  # noqa: E402
from mmm_blender.training.data import (  # noqa: E402
    TRAIN,
    UNSEEN_STYLES,
    UNSEEN_TAKES,
    WindowSampler,
    load_examples,
    statistics,
)
from mmm_blender.training.loop import Plan, Run, train  # noqa: E402
from mmm_blender.training.losses import TokenizerLoss  # noqa: E402
from mmm_blender.training.tokenizer_figures import tokenizer_figures  # noqa: E402

WINDOW_FRAMES = 64  # as in the paper
REPORT_EVERY = 500


def parse_options() -> argparse.Namespace:
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
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="1 where others use the machine")
    return parser.parse_args()


def make_loss(tokenizer: Tokenizer, sampler: WindowSampler, seed: int) -> Callable[[int], Tensor]:
    """The loss of a step; now and then it prints its terms."""
    loss = TokenizerLoss(tokenizer.mean_C, tokenizer.std_C)

    def loss_of(step: int) -> Tensor:
        features, valid = sampler.draw(seed, step)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = tokenizer(features, valid)
        total, terms = loss(output.reconstruction_BTC, features, valid, output.commitment)
        if step % REPORT_EVERY == 0:
            words = {name: round(float(value.detach()), 5) for name, value in terms.items()}
            perplexity = [round(float(p)) for p in output.perplexity_P]
            print(step, words, "perplexity", perplexity, "dead", tokenizer.dead_codes, flush=True)
        return total

    return loss_of


def main() -> int:
    options = parse_options()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    examples = load_examples(options.data)
    mean, std = statistics(examples[TRAIN])
    config = TokenizerConfig(
        parts=tuple(options.parts),
        width=options.width,
        codebooks=tuple(options.codebooks),
        codes=math.prod(options.levels) if options.levels else options.codes,
        code_dim=len(options.levels) or options.code_dim,
        levels=tuple(options.levels),
    )
    torch.manual_seed(options.seed)
    tokenizer = Tokenizer(config)
    for book in tokenizer.codebooks:
        book.revives = not options.no_revival
    tokenizer.set_statistics(torch.from_numpy(mean), torch.from_numpy(std))
    plan = Plan(options.minutes, options.rate, options.steps, options.seed)
    checkpoint = options.out / "checkpoint.pt"
    run = Run.start(tokenizer, plan)
    if run.resume(checkpoint):
        print(f"going on from step {run.step}", flush=True)
    sampler = WindowSampler(examples[TRAIN], options.batch, WINDOW_FRAMES, mean, std)
    for _ in train(run, plan, make_loss(tokenizer, sampler, options.seed), checkpoint, "tokenizer"):
        pass
    tokenizer.load_state_dict(run.average)
    torch.save({"config": to_json(config), "state": run.average}, options.out / "tokenizer.pt")
    figures: dict[str, object] = {
        split: tokenizer_figures(tokenizer, examples[split])
        for split in (UNSEEN_TAKES, UNSEEN_STYLES)
    }
    figures["run"] = {"steps": run.step, "minutes": round(run.seconds / 60, 1)}
    (options.out / "figures.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    run(main)
