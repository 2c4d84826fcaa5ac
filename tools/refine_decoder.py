"""Train a tokenizer's decoders further, on tokens as a transformer makes them: some of them wrong.

    python tools/refine_decoder.py --data build/motions.npz --tokenizer build/tokenizer \\
        --out build/refined --minutes 20

Encoders and codebooks stay as they are, so every motion keeps its tokens and a transformer that
learnt them keeps its weights. A decoder that only ever saw tokens that belong together turns a
sampled token that does not fit its neighbours into a body that slows down; one that has seen such
tokens makes of them what the neighbours say. Writes tokenizer.pt and figures.json as
train_tokenizer.py does; resumes by itself.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402
from train_tokenizer import WINDOW_FRAMES, write  # noqa: E402
from train_transformer import load_tokenizer  # noqa: E402

from mmm_blender.motion.networks.tokenizer import Tokenizer  # noqa: E402
from mmm_blender.training.data.dataset import TRAIN, WindowSampler, load_examples  # noqa: E402
from mmm_blender.training.trainer.loop import Plan, Run, autocast, step_seed, train  # noqa: E402
from mmm_blender.training.trainer.losses import TokenizerLoss  # noqa: E402

CLEAN_SHARE = 0.5  # of the windows keep all their tokens: what is encoded must come back
MOST_WRONG = 0.3  # of a window's tokens are replaced by random ones, at most


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="file of prepare_motions.py")
    parser.add_argument(
        "--tokenizer", type=Path, required=True, help="folder of train_tokenizer.py"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--minutes", type=float, default=20.0, help="time budget")
    parser.add_argument("--steps", type=int, default=0, help="a fixed number of steps instead")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="1 where others use the machine")
    return parser.parse_args()


def with_wrong_tokens(tokens_BLP: Tensor, codes: int, rng: torch.Generator) -> Tensor:
    """The grid with random codes in some cells of about half the rows."""
    rows = len(tokens_BLP)
    share_B = MOST_WRONG * torch.rand(rows, generator=rng)
    share_B = torch.where(torch.rand(rows, generator=rng) < CLEAN_SHARE, 0.0, share_B)
    wrong = torch.rand(tokens_BLP.shape, generator=rng) < share_B[:, None, None]
    return torch.where(wrong, torch.randint(codes, tokens_BLP.shape, generator=rng), tokens_BLP)


def make_loss(
    options: argparse.Namespace, tokenizer: Tokenizer, plan: Plan, sampler: WindowSampler
) -> Callable[[int], Tensor]:
    """The loss of a step: what is decoded from partly wrong tokens against the true motion."""
    loss, codes = TokenizerLoss(tokenizer.mean_C, tokenizer.std_C), tokenizer.config.codes
    no_commitment = torch.zeros(())

    def loss_of(step: int) -> Tensor:
        features, valid = sampler.draw(options.seed, step)
        rng = torch.Generator().manual_seed(step_seed(plan, step))
        with autocast(features.device, options.precision):
            with torch.no_grad():
                tokens_BLP = tokenizer.encode(features * valid[..., None])
            made = tokenizer.decode(with_wrong_tokens(tokens_BLP, codes, rng))
        return loss(made, features, valid, no_commitment)[0]

    return loss_of


def freeze_but_decoders(tokenizer: Tokenizer) -> None:
    """Leave gradients to the decoders alone; no codebook moves either."""
    tokenizer.eval()
    for part in tokenizer.part_tokenizers:
        part.encoder.requires_grad_(False)


def fit(options: argparse.Namespace) -> list[float]:
    """Train, write the tokenizer and its figures; the loss of every step of this session."""
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(options.tokenizer)
    freeze_but_decoders(tokenizer)
    plan = Plan(options.minutes, options.rate, options.steps, options.seed, weight_decay=0.0)
    checkpoint = options.out / "checkpoint.pt"
    session = Run.start(tokenizer, plan)
    if session.resume(checkpoint):
        print(f"going on from step {session.step}", flush=True)
    examples = load_examples(options.data)
    mean, std = (x.double().numpy() for x in (tokenizer.mean_C, tokenizer.std_C))
    sampler = WindowSampler(examples[TRAIN], options.batch, WINDOW_FRAMES, mean, std)
    loss_of = make_loss(options, tokenizer, plan, sampler)
    losses = list(train(session, plan, loss_of, checkpoint, "decoders"))
    tokenizer.load_state_dict(session.ema)
    write(options.out, tokenizer, session, examples)
    return losses


def main() -> int:
    fit(parse_options())
    return 0


if __name__ == "__main__":
    run(main)
