"""Train the masked transformer on a tokenizer's tokens and assemble the bundle.

    python tools/train_transformer.py --data build/motions.npz --tokenizer build/tokenizer \\
        --text build/text/student --out build/transformer --minutes 50 --bundle weights/starter

Resumes by itself where --out holds a checkpoint. With --bundle the averaged weights, the
tokenizer and the text encoder are written as a bundle; ``--minutes 0`` writes it from the
checkpoint as it stands.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _program import run  # noqa: E402

from mmm_blender.geometry.errors import MMMError  # noqa: E402
from mmm_blender.motion.bundle import files_of, save_bundle  # noqa: E402
from mmm_blender.motion.config import (  # noqa: E402
    BundleConfig,
    SamplerConfig,
    TokenizerConfig,
    TransformerConfig,
    Vocabulary,
    from_json,
)
from mmm_blender.motion.masks import motion_places  # noqa: E402
from mmm_blender.motion.text import STUDENT_FOLDER, TextEncoder, load_text_encoder  # noqa: E402
from mmm_blender.motion.tokenizer import Tokenizer  # noqa: E402
from mmm_blender.motion.transformer import MaskedTransformer  # noqa: E402
from mmm_blender.training.data import TRAIN, UNSEEN_TAKES, load_examples  # noqa: E402
from mmm_blender.training.loop import Plan, Run, train  # noqa: E402
from mmm_blender.training.tokens import (  # noqa: E402
    CaptionBank,
    TokenBatch,
    TokenSampler,
    blur,
    encode_examples,
    hide,
)

REPORT_EVERY = 500
TEXT_DROP = 0.1
CHECK_BATCHES = 4
SAMPLER = SamplerConfig(guidance=2.0, confidence_noise=3.0)  # see the card for what was tried
MIN_SECONDS = 1.0  # shorter than any clip that was learnt from


def load_tokenizer(folder: Path) -> Tokenizer:
    if not (folder / "tokenizer.pt").is_file():
        raise MMMError(f"{folder} holds no tokenizer.pt: run tools/train_tokenizer.py first.")
    saved = torch.load(folder / "tokenizer.pt", map_location="cpu", weights_only=True)
    tokenizer = Tokenizer(from_json(TokenizerConfig, saved["config"], "tokenizer.pt"))
    tokenizer.load_state_dict(saved["state"])
    return tokenizer.eval()


def cross_entropy(logits: list[Tensor], batch: TokenBatch) -> Tensor:
    """Mean over all motion tokens of all parts, hidden or not, as in the paper."""
    motion_BL = motion_places(batch.lengths_B, batch.tokens_BLP.shape[1])
    parts = [
        functional.cross_entropy(part[motion_BL].float(), batch.tokens_BLP[..., at][motion_BL])
        for at, part in enumerate(logits)
    ]
    return torch.stack(parts).mean()


@torch.inference_mode()
def held_out_loss(
    model: MaskedTransformer, batches: list[TokenBatch], vocabulary: Vocabulary
) -> float:
    """Cross-entropy on held-out clips with masks that are the same every time."""
    model.eval()
    losses: list[float] = []
    for at, batch in enumerate(batches):
        hidden = hide(batch, vocabulary, torch.Generator().manual_seed(at))
        losses.append(float(cross_entropy(model(hidden, batch.lengths_B, batch.text), batch)))
    model.train()
    return sum(losses) / len(losses)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="file of prepare_motions.py")
    parser.add_argument(
        "--tokenizer", type=Path, required=True, help="folder of train_tokenizer.py"
    )
    parser.add_argument("--text", type=Path, required=True, help="folder of train_text_encoder.py")
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
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="1 where others use the machine")
    return parser.parse_args()


@dataclass(frozen=True, eq=False)
class Lessons:
    """What the transformer learns from, and what it is checked on."""

    train: TokenSampler
    checks: list[TokenBatch]

    @classmethod
    def load(
        cls, options: argparse.Namespace, tokenizer: Tokenizer, encoder: TextEncoder
    ) -> Lessons:
        examples = load_examples(options.data)
        train, held_out = (
            TokenSampler(
                examples[split],
                encode_examples(tokenizer, examples[split]),
                CaptionBank(examples[split], encoder, options.seed),
                tokenizer.config.vocabulary,
                options.batch,
            )
            for split in (TRAIN, UNSEEN_TAKES)
        )
        return cls(train, [held_out.draw(options.seed, at) for at in range(CHECK_BATCHES)])


def make_loss(
    run: Run, model: MaskedTransformer, vocabulary: Vocabulary, lessons: Lessons, seed: int
) -> Callable[[int], Tensor]:
    """The loss of a step; now and then it notes and prints the held-out loss beside it."""

    def loss_of(step: int) -> Tensor:
        batch = lessons.train.draw(seed, step)
        rng = torch.Generator().manual_seed(step)
        hidden, text = hide(batch, vocabulary, rng), blur(batch.text, rng)
        dropped = torch.rand(len(batch.lengths_B)) < TEXT_DROP
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(hidden, batch.lengths_B, text, dropped)
        loss = cross_entropy(logits, batch)
        if step % REPORT_EVERY == 0:
            held_out = held_out_loss(model, lessons.checks, vocabulary)
            run.notes[f"step {step}"] = {"train": float(loss.detach()), "held out": held_out}
            print(step, run.notes[f"step {step}"], flush=True)
        return loss

    return loss_of


def main() -> int:
    options = parse_options()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(options.tokenizer)
    encoder = load_text_encoder(
        options.text.parent, {"kind": "student", "folder": options.text.name}
    )
    config = TransformerConfig(
        width=options.width,
        layers=options.layers,
        heads=options.heads,
        dropout=options.dropout,
        text_width=encoder.width,
    )
    torch.manual_seed(options.seed)
    model = MaskedTransformer(config, tokenizer.config, tokenizer.codebooks_PKD)
    plan = Plan(options.minutes, options.rate, options.steps, options.seed, betas=(0.9, 0.98))
    run, checkpoint = Run.start(model, plan), options.out / "checkpoint.pt"
    codebooks = hashlib.sha256(tokenizer.codebooks_PKD.numpy().tobytes()).hexdigest()
    if run.resume(checkpoint):
        print(f"going on from step {run.step}", flush=True)
    if run.notes.setdefault("codebooks", codebooks) != codebooks:
        raise MMMError(
            f"{checkpoint} learnt another tokenizer's tokens: give the run another --out folder."
        )
    if plan.progress(run.step, run.seconds) < 1:
        lessons = Lessons.load(options, tokenizer, encoder)
        loss_of = make_loss(run, model, tokenizer.config.vocabulary, lessons, options.seed)
        for _ in train(run, plan, loss_of, checkpoint, "transformer"):
            pass
    model.load_state_dict(run.average)
    report = {"steps": run.step, "minutes": round(run.seconds / 60, 1), "losses": run.notes}
    (options.out / "figures.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    if options.bundle:
        write_bundle(options, model, tokenizer)
    return 0


def write_bundle(
    options: argparse.Namespace, model: MaskedTransformer, tokenizer: Tokenizer
) -> None:
    bundle: Path = options.bundle
    config = BundleConfig(
        name=bundle.name,
        licence=options.licence,
        description=options.description,
        min_seconds=MIN_SECONDS,
        tokenizer=tokenizer.config,
        transformer=model.config,
        sampler=SAMPLER,
        text={"kind": "student", "folder": STUDENT_FOLDER},
        storage="float16",
    )
    save_bundle(bundle, config, tokenizer, model, files_of(options.text, STUDENT_FOLDER))
    print(f"wrote {bundle}")


if __name__ == "__main__":
    run(main)
