"""Train the motion tokenizer from a prepared data set.

    python tools/train_tokenizer.py --data build/motions.npz --out build/tokenizer --minutes 25
    torchrun --nproc-per-node 4 tools/train_tokenizer.py --device cuda ... (several GPUs)

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

from _dev.program import run  # noqa: E402

from mmm_blender.common.schema import to_json  # noqa: E402
from mmm_blender.motion.config import TokenizerConfig  # noqa: E402
from mmm_blender.motion.networks.tokenizer import Tokenizer  # noqa: E402
from mmm_blender.training.data.dataset import (  # noqa: E402
    TRAIN,
    UNSEEN_STYLES,
    UNSEEN_TAKES,
    Example,
    WindowSampler,
    load_examples,
    statistics,
)
from mmm_blender.training.evaluation.tokenizer_figures import tokenizer_figures  # noqa: E402
from mmm_blender.training.trainer.distributed import DistributedContext, joined  # noqa: E402
from mmm_blender.training.trainer.loop import Plan, Run, autocast, train  # noqa: E402
from mmm_blender.training.trainer.losses import TokenizerLoss  # noqa: E402

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
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="1 where others use the machine")
    return parser.parse_args()


def make_loss(
    options: argparse.Namespace,
    tokenizer: Tokenizer,
    sampler: WindowSampler,
    team: DistributedContext,
) -> Callable[[int], Tensor]:
    """This process's share of the loss of a step; now and then its terms are printed."""
    loss = TokenizerLoss(tokenizer.mean_C, tokenizer.std_C).to(team.device)

    def loss_of(step: int) -> Tensor:
        drawn = sampler.draw(options.seed, step)
        features, valid = (values.to(team.device) for values in drawn)
        own = team.rows(len(valid))
        with autocast(team.device, options.precision):
            output = tokenizer(features[own], valid[own])
        made, commitment = output.reconstruction_BTC, output.commitment
        total, terms = loss(made, features[own], valid[own], commitment, valid)
        if step % REPORT_EVERY == 0:
            words = {
                name: round(float(team.total(value.detach())), 5) for name, value in terms.items()
            }
            perplexity = [round(float(p)) for p in output.perplexity_P]
            if team.leads:
                dead = tokenizer.dead_codes
                print(step, words, "perplexity", perplexity, "dead", dead, flush=True)
        return total

    return loss_of


def new_tokenizer(options: argparse.Namespace, team: DistributedContext) -> Tokenizer:
    """An untrained tokenizer, the same in every process."""
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
        book.peers = team
    return tokenizer


def fit(options: argparse.Namespace, team: DistributedContext) -> list[float]:
    """Train, write the tokenizer and its figures; the loss of every step of this session."""
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    examples = load_examples(options.data)
    mean, std = statistics(examples[TRAIN])
    tokenizer = new_tokenizer(options, team)
    tokenizer.set_statistics(torch.from_numpy(mean), torch.from_numpy(std))
    plan = Plan(options.minutes, options.rate, options.steps, options.seed)
    checkpoint = options.out / "checkpoint.pt"
    run = Run.start(tokenizer.to(team.device), plan)
    if run.resume(checkpoint):
        print(f"going on from step {run.step}", flush=True)
    sampler = WindowSampler(examples[TRAIN], options.batch, WINDOW_FRAMES, mean, std)
    loss_of = make_loss(options, tokenizer, sampler, team)
    losses = list(train(run, plan, loss_of, checkpoint, "tokenizer", team=team))
    if team.leads:
        tokenizer.load_state_dict(run.ema)
        write(options.out, tokenizer.cpu(), run, examples)
    return losses


def write(folder: Path, tokenizer: Tokenizer, run: Run, examples: dict[str, list[Example]]) -> None:
    """The tokenizer with its averaged weights, and its figures on held-out clips."""
    saved = {"config": to_json(tokenizer.config), "state": tokenizer.state_dict()}
    torch.save(saved, folder / "tokenizer.pt")
    figures: dict[str, object] = {
        split: tokenizer_figures(tokenizer, examples[split])
        for split in (UNSEEN_TAKES, UNSEEN_STYLES)
        if examples[split]
    }
    figures["run"] = {"steps": run.step, "minutes": round(run.seconds / 60, 1)}
    (folder / "figures.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    print(json.dumps(figures, indent=1))


def main() -> int:
    options = parse_options()
    with joined(options.device) as team:
        fit(options, team)
    return 0


if __name__ == "__main__":
    run(main)
