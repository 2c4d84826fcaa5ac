"""A run that trains the evaluator by contrast, on training clips alone."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...common.errors import MMMError
from ...motion.networks.text.student import (
    StudentTextEncoder,
    StudentTextModel,
    save_student,
)
from ...motion.text import STUDENT_FOLDER
from ..data.captions import caption
from ..data.dataset import (
    TRAIN,
    UNSEEN_TAKES,
    Example,
    load_examples,
    statistics,
)
from ..data.labels import label_of
from ..evaluation.evaluator import (
    Evaluator,
    EvaluatorConfig,
    EvaluatorModel,
    load_evaluator,
    save_evaluator,
)
from ..evaluation.metrics import R_BATCH, distinct_batch, r_precision
from .contrastive import PairSampler, contrast_loss
from .loop import Plan, Run, train

REPORT_EVERY = 250
REPORT_BATCHES = 20
COMMON_PIECES = 7000
"""Word pieces that the evaluator's copy of the text encoder keeps, the commonest first (the
vocabulary is sorted so), besides all that captions use; rarer words are read in pieces."""

UNUSED = "[unused"


@dataclass(frozen=True)
class EvaluatorOptions:
    """What the command was asked for, by the names of its options."""

    data: Path
    text: Path
    out: Path
    evaluator: Path | None
    minutes: float
    steps: int
    batch: int
    rate: float
    width: int
    layers: int
    dropout: float
    seed: int
    threads: int


def trimmed(text: Path) -> tuple[StudentTextModel, list[str]]:
    """The student with the commonest word pieces alone, and its vocabulary."""
    encoder = StudentTextEncoder.load(text)
    pieces = encoder.tokenizer.pieces
    kept = [i for i, piece in enumerate(pieces[:COMMON_PIECES]) if not piece.startswith(UNUSED)]
    config = replace(encoder.config, vocabulary=len(kept))
    model = StudentTextModel(config)
    state = encoder.model.state_dict()
    state["embedding.weight"] = state["embedding.weight"][kept]
    model.load_state_dict(state)
    return model, [pieces[i] for i in kept]


class Check:
    """R-precision on unseen takes, with the same draws every time."""

    def __init__(self, examples: list[Example], encoder: StudentTextEncoder) -> None:
        rng, draw = np.random.default_rng(0), random.Random(0)
        labels = [label_of(example.record) for example in examples]
        self._examples, self._encoder = examples, encoder
        self._batches = [distinct_batch(labels, R_BATCH, rng) for _ in range(REPORT_BATCHES)]
        self._texts = [
            [caption(examples[i].record, draw, held_out=True) for i in b] for b in self._batches
        ]

    def __call__(self, model: EvaluatorModel) -> list[float]:
        """R@1, R@2, R@3."""
        training = model.training
        judge = Evaluator(model, self._encoder, frozenset())
        motion_NE = judge.embed_motion([example.features_TC for example in self._examples])
        shares = [
            r_precision(judge.embed_text(texts), motion_NE[rows])
            for rows, texts in zip(self._batches, self._texts, strict=True)
        ]
        model.requires_grad_(True).train(training)
        return [round(float(share), 3) for share in np.mean(shares, axis=0)]


def make_loss(
    run: Run, model: EvaluatorModel, sampler: PairSampler, check: Check, seed: int
) -> Callable[[int], Tensor]:
    """The loss of a step; now and then it notes and prints what the check says."""

    def loss_of(step: int) -> Tensor:
        batch = sampler.draw(seed, step)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            motion = model.motion(batch.features_BTC, batch.frames_B)
            text = model.text(batch.text)
        loss = contrast_loss(motion, text, model.log_scale.exp(), batch)
        if step % REPORT_EVERY == 0:
            run.notes[f"step {step}"] = {"loss": float(loss.detach()), "R unseen": check(model)}
            print(step, run.notes[f"step {step}"], flush=True)
        return loss

    return loss_of


def fit(options: EvaluatorOptions) -> None:
    """Train, and write figures and, where a folder for it is named, the evaluator."""
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    student, vocabulary = trimmed(options.text)
    save_student(options.out / STUDENT_FOLDER, student, vocabulary)
    encoder = StudentTextEncoder.load(options.out / STUDENT_FOLDER)
    examples = load_examples(options.data)
    torch.manual_seed(options.seed)
    config = EvaluatorConfig(
        width=options.width,
        layers=options.layers,
        dropout=options.dropout,
        text_features=encoder.width,
    )
    model = EvaluatorModel(config)
    normal = statistics(examples[TRAIN])
    model.set_statistics(*normal)
    plan = Plan(options.minutes, options.rate, options.steps, options.seed, betas=(0.9, 0.98))
    run, checkpoint = Run.start(model, plan), options.out / "checkpoint.pt"
    if run.resume(checkpoint):
        print(f"going on from step {run.step}", flush=True)
    sampler = PairSampler(examples[TRAIN], encoder, normal, options.batch)
    check = Check(examples[UNSEEN_TAKES], encoder)
    loss_of = make_loss(run, model, sampler, check, options.seed)
    for _ in train(run, plan, loss_of, checkpoint, "evaluator"):
        pass
    model.load_state_dict(run.ema)
    run.notes["R unseen"] = check(model)
    report = {"steps": run.step, "minutes": round(run.seconds / 60, 1), "notes": run.notes}
    (options.out / "figures.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    print("R@1, R@2, R@3 of unseen takes, averaged weights:", run.notes["R unseen"])
    if options.evaluator:
        write(options.evaluator, model, (student, vocabulary), examples[TRAIN], run)


def write(
    folder: Path,
    model: EvaluatorModel,
    text: tuple[StudentTextModel, list[str]],
    examples: list[Example],
    run: Run,
) -> None:
    """The frozen evaluator; one that is there already is not replaced."""
    if folder.is_dir() and any(path.suffix == ".safetensors" for path in folder.iterdir()):
        raise MMMError(f"{folder} holds an evaluator, which stays frozen: choose another folder.")
    save_student(folder / STUDENT_FOLDER, *text)
    notes = {"steps": run.step, "minutes": round(run.seconds / 60, 1)}
    save_evaluator(folder, model, sorted({e.record.take for e in examples}), notes)
    print(f"wrote {folder}, hash {load_evaluator(folder).hash}")
