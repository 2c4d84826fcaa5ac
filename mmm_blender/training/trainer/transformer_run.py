"""A run that trains the masked transformer on a tokenizer's tokens and assembles the bundle."""

from __future__ import annotations

import copy
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from ...common.errors import MMMError
from ...motion.bundles.bundle import files_of
from ...motion.config import (
    BundleConfig,
    SamplerConfig,
    TokenizerConfig,
    TransformerConfig,
)
from ...motion.loaded_bundle import Bundle
from ...motion.motion_model import MotionModel
from ...motion.networks.bundle_file import load_modules, save_bundle
from ...motion.networks.masks import motion_places
from ...motion.networks.text.features import TextEncoder
from ...motion.networks.text.loading import load_encoder
from ...motion.networks.tokenizer import Tokenizer
from ...motion.networks.transformer import MaskedTransformer
from ...motion.runtime.torch_networks import TorchNetworks, TorchText
from ...motion.text import STUDENT_FOLDER
from ..data.dataset import TRAIN, UNSEEN_TAKES, Example, load_examples
from ..text.caption_bank import CaptionBank
from .distributed import DistributedContext
from .early_stopping import EarlyStopping, best_weights
from .loop import Plan, Run, autocast, step_seed, train
from .token_batches import (
    TEXT_NOISE,
    TokenBatch,
    TokenSampler,
    blur,
    encode_examples,
    hide,
    text_rows,
)
from .tokenizer_run import load_tokenizer

REPORT_EVERY = 500
TEXT_DROP = 0.1
CHECK_BATCHES = 4
SAMPLER = SamplerConfig(guidance=2.0, confidence_noise=3.0)  # see the card for what was tried
CHECKPOINT_FILE, BEST_FILE = "checkpoint.pt", "best.pt"
STORED_PRECISION = 2e-3  # of a bundle's numbers, which are kept in half precision
MIN_SECONDS = 1.0  # shorter than any clip that was learnt from


@dataclass(frozen=True)
class TransformerOptions:
    """What the command was asked for, by the names of its options."""

    data: Path
    tokenizer: Path
    text: Path
    evaluator: Path | None
    out: Path
    bundle: Path | None
    licence: str
    description: str
    minutes: float
    steps: int
    batch: int
    rate: float
    width: int
    layers: int
    heads: int
    dropout: float
    text_noise: float
    begin_with: Path | None
    halfway: bool
    patience: int
    device: str
    precision: str
    seed: int
    threads: int


def cross_entropy(logits: list[Tensor], batch: TokenBatch, count: int) -> Tensor:
    """Mean over all motion tokens of all columns, hidden or not, as in the paper. count: motion
    tokens of the whole batch, where ``batch`` is a share of it (then this is the share's part)."""
    motion_BL = motion_places(batch.lengths_B, batch.tokens_BLP.shape[1])
    columns = [
        functional.cross_entropy(
            column[motion_BL].float(), batch.tokens_BLP[..., at][motion_BL], reduction="sum"
        )
        for at, column in enumerate(logits)
    ]
    return torch.stack(columns).mean() / count


@dataclass(frozen=True, eq=False)
class Lessons:
    """What the transformer learns from, what its loss is checked on, and the held-out clips."""

    train: TokenSampler
    checks: list[TokenBatch]
    unseen: list[Example]

    @classmethod
    def load(
        cls, options: TransformerOptions, tokenizer: Tokenizer, encoder: TextEncoder
    ) -> Lessons:
        """From the prepared file; texts and tokens are made once."""
        examples = load_examples(options.data)
        train, held_out = (
            TokenSampler(
                examples[split],
                encode_examples(tokenizer, examples[split]),
                CaptionBank(examples[split], encoder, options.seed, held_out=split != TRAIN),
                tokenizer.config.vocabulary,
                options.batch,
            )
            for split in (TRAIN, UNSEEN_TAKES)
        )
        checks = [held_out.draw(options.seed, at) for at in range(CHECK_BATCHES)]
        return cls(train, checks, examples[UNSEEN_TAKES])


@dataclass(frozen=True, eq=False)
class Lesson:
    """The transformer with what a step needs."""

    run: Run
    model: MaskedTransformer
    tokenizer: TokenizerConfig
    plan: Plan
    precision: str
    team: DistributedContext
    text_noise: float = TEXT_NOISE

    def share(self, batch: TokenBatch, seed: int, own: slice, dropped_B: Tensor | None) -> Tensor:
        """The loss of some rows of a batch, as a part of the whole batch's. The masks and the
        noise on the text are drawn for the whole batch."""
        rng, vocabulary = torch.Generator().manual_seed(seed), self.tokenizer.vocabulary
        hidden = hide(batch, vocabulary, self.tokenizer.columns, rng)[own]
        text = blur(batch.text, rng, self.text_noise) if self.model.training else batch.text
        device, rows = self.team.device, batch.rows(own).to(self.team.device)
        if dropped_B is not None:
            dropped_B = dropped_B[own].to(device)
        with autocast(device, self.precision):
            text = text_rows(text, own).to(device)
            logits = self.model(hidden.to(device), rows.lengths_B, text, dropped_B)
        return cross_entropy(logits, rows, int(batch.lengths_B.sum()))

    def step_loss(self, lessons: Lessons, step: int) -> Tensor:
        """This process's share of a training step's loss."""
        batch = lessons.train.draw(self.plan.seed, step)
        seed = step_seed(self.plan, step)
        dropped_B = torch.rand(len(batch.lengths_B)) < TEXT_DROP
        self.team.part_seeds(seed)
        loss = self.share(batch, seed, self.team.rows(len(dropped_B)), dropped_B)
        if step % REPORT_EVERY == 0:
            self._report(lessons, step, float(self.team.total(loss.detach())))
        return loss

    def _report(self, lessons: Lessons, step: int, loss: float) -> None:
        """Note and print the loss and, with the same masks every time, the held-out one."""
        if not self.team.leads:
            return
        self.model.eval()
        with torch.inference_mode():
            held_out = [
                float(self.share(batch, at, slice(None), None))
                for at, batch in enumerate(lessons.checks)
            ]
        self.model.train()
        losses = {"train": loss, "held out": sum(held_out) / len(held_out)}
        self.run.notes[f"step {step}"] = losses
        print(step, losses, flush=True)


def make_watch(
    options: TransformerOptions,
    lesson: Lesson,
    unseen: list[Example],
    tokenizer: Tokenizer,
    encoder: TextEncoder,
) -> EarlyStopping | None:
    """The judge of held-out motions, where there is an evaluator."""
    if options.evaluator is None:
        return None
    # only a judged run makes motions
    from ...motion.pipeline.pipeline import MotionPipeline  # noqa: PLC0415
    from ..evaluation.evaluator import load_evaluator  # noqa: PLC0415
    from ..evaluation.judging import quick_scores  # noqa: PLC0415

    evaluator = load_evaluator(options.evaluator)
    judged = copy.deepcopy(lesson.model)
    config = bundle_config(options, tokenizer, judged)
    model = MotionModel(TorchNetworks(tokenizer, judged))
    generator = MotionPipeline(Bundle(options.out, config, model, ""), TorchText(encoder))

    def score(weights: Mapping[str, Tensor]) -> dict[str, float]:
        judged.load_state_dict(weights)
        return quick_scores(generator, evaluator, unseen, options.seed)

    return EarlyStopping(
        lesson.run, score, options.out / BEST_FILE, lesson.team, patience=options.patience
    )


def new_model(
    options: TransformerOptions, tokenizer: Tokenizer, text_width: int
) -> MaskedTransformer:
    """An untrained transformer, or a bundle's; the same in every process."""
    config = TransformerConfig(
        width=options.width,
        layers=options.layers,
        heads=options.heads,
        dropout=options.dropout,
        text_width=text_width,
    )
    torch.manual_seed(options.seed)
    model = MaskedTransformer(config, tokenizer.config, tokenizer.codebooks_PKD)
    if options.begin_with:
        begin_with(options.begin_with, model)
    return model


def begin_with(folder: Path, model: MaskedTransformer) -> None:
    """Take over a bundle's weights; MMMError where they are another network's or were learnt on
    another tokenizer's tokens."""
    _, trained = load_modules(folder)
    books = trained.codebooks_PKD
    same_codes = books.shape == model.codebooks_PKD.shape and torch.allclose(
        books, model.codebooks_PKD, rtol=STORED_PRECISION, atol=STORED_PRECISION
    )
    if not same_codes or replace(trained.config, dropout=model.config.dropout) != model.config:
        raise MMMError(
            f"The weights in {folder} are of another size or another tokenizer: train without "
            "--begin-with, or with its tokenizer, width, layers and heads."
        )
    model.load_state_dict(trained.state_dict())


def resumed(options: TransformerOptions, model: MaskedTransformer, plan: Plan) -> Run:
    """The run as its checkpoint has it, or a new one."""
    run, checkpoint = Run.start(model, plan), options.out / CHECKPOINT_FILE
    codebooks = hashlib.sha256(model.codebooks_PKD.cpu().numpy().tobytes()).hexdigest()
    if run.resume(checkpoint):
        print(f"going on from step {run.step}", flush=True)
    if run.notes.setdefault("codebooks", codebooks) != codebooks:
        raise MMMError(
            f"{checkpoint} learnt another tokenizer's tokens: give the run another --out folder."
        )
    return run


def fit(options: TransformerOptions, team: DistributedContext) -> list[float]:
    """Train and write the bundle; the loss of every step of this session."""
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(options.tokenizer)
    encoder = load_encoder(options.text.parent, {"kind": "student", "folder": options.text.name})
    model = new_model(options, tokenizer, encoder.width).to(team.device)
    plan = Plan(options.minutes, options.rate, options.steps, options.seed, betas=(0.9, 0.98))
    run, losses = resumed(options, model, plan), list[float]()
    if plan.progress(run.step, run.seconds) < 1 and not run.finished:
        lesson = Lesson(
            run, model, tokenizer.config, plan, options.precision, team, options.text_noise
        )
        losses = study(options, lesson, tokenizer.to(team.device), encoder)
    if team.leads:
        finish(options, run, model.cpu(), tokenizer.cpu())
    return losses


def study(
    options: TransformerOptions, lesson: Lesson, tokenizer: Tokenizer, encoder: TextEncoder
) -> list[float]:
    """Train to the end of the plan or until the judge sees no more gain."""
    lessons = Lessons.load(options, tokenizer, encoder)
    run, checkpoint = lesson.run, options.out / CHECKPOINT_FILE
    watch = make_watch(options, lesson, lessons.unseen, tokenizer, encoder)
    losses: list[float] = []
    steps = train(
        run,
        lesson.plan,
        lambda step: lesson.step_loss(lessons, step),
        checkpoint,
        "transformer",
        team=lesson.team,
    )
    for loss in steps:
        losses.append(loss)
        if watch is not None:
            watch.after_step(time.monotonic)
    if watch is not None and lesson.team.leads and not run.finished:
        watch.look()
        run.save(checkpoint)
    return losses


def finish(
    options: TransformerOptions, run: Run, model: MaskedTransformer, tokenizer: Tokenizer
) -> None:
    """Write the figures, and the bundle with the best weights (without a judge: the last)."""
    best = options.out / BEST_FILE
    judged = options.evaluator is not None and best.is_file()
    model.load_state_dict(best_weights(best) if judged else run.ema)
    if options.begin_with and options.halfway:
        meet_halfway(model, load_modules(options.begin_with)[1])
    report = {"steps": run.step, "minutes": round(run.seconds / 60, 1), "losses": run.notes}
    (options.out / "figures.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    if options.bundle:
        config = bundle_config(options, tokenizer, model)
        text = files_of(options.text, STUDENT_FOLDER)
        save_bundle(options.bundle, config, tokenizer, model, text)
        print(f"wrote {options.bundle}")


def meet_halfway(model: MaskedTransformer, start: MaskedTransformer) -> None:
    """Give the model the mean of its weights and those that it began with, which keeps what
    further training forgot (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022).
    """
    begun = start.state_dict()
    mean = {
        name: torch.lerp(begun[name], values, 0.5) for name, values in model.state_dict().items()
    }
    model.load_state_dict(mean)


def bundle_config(
    options: TransformerOptions, tokenizer: Tokenizer, model: MaskedTransformer
) -> BundleConfig:
    """What the bundle says of itself."""
    return BundleConfig(
        name=(options.bundle or options.out).name,
        licence=options.licence,
        description=options.description,
        min_seconds=MIN_SECONDS,
        tokenizer=tokenizer.config,
        transformer=model.config,
        sampler=SAMPLER,
        text={"kind": "student", "folder": STUDENT_FOLDER},
        storage="float16",
    )
