"""One set of clips to one set of weights, on one device, by the clock.

Variants of all clips (CPUs), the device bank, the tokenizer, all tokens, the transformer. Every
stage has its seconds, and what the early ones take too much the transformer has less; weights are
written now and then, so that a run that is cut short has something to show.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...common.arrays import FloatArray
from ...common.schema import from_json, to_json
from ...geometry.clip import MotionClip
from ...motion.config import TokenizerConfig, TransformerConfig
from ...motion.networks.text.student import StudentTextEncoder
from ...motion.networks.tokenizer import Tokenizer
from ...motion.networks.transformer import MaskedTransformer
from ..data.clip_variants import (
    ClipVariants,
    VariantPlan,
    counts_something,
    make_variants,
)
from ..data.composites import Pairs, then_pairs, while_pairs
from ..data.dataset import TRAIN, UNSEEN_TAKES, draw_odds, kind_of, split_of
from ..data.motion_file import ClipRecord, load_motions
from .device_bank import Draw, FeatureBank, TokenBank, variant_odds
from .loop import Run
from .masked_training import MaskedTraining, TransformerPlan
from .probe import can_capture, can_compile
from .row_sampler import PairTable, RowSampler, TextTable
from .tokenizer_training import TokenizerPlan, TokenizerTraining, new_tokenizer
from .weight_pack import Pack, state_of, write_pack

_SAVE_SECONDS = 75.0
_MOST_WORDS = 40  # of a caption, the start and the end of it among them
_EXPORT_SECONDS = 10.0
_PROBE_WAIT = 30.0  # seconds, once the variants are made


@dataclass(frozen=True)
class BundleRunPlan:
    """What to train, from what, where to. deadline: time.time() at which all must be written.

    name: of the set. text: folder of the text encoder. variants: of each clip. processes: that make
    them. pairs: composites of each kind. most_clips: 0 for all. begin: weights to go on from.
    probes: where it is written what the machine can do (see ``probe``), none on a CPU.
    """

    name: str
    data: Path
    text: Path
    out: Path
    deadline: float
    tokenizer: TokenizerPlan
    transformer: TransformerPlan
    tokenizer_config: TokenizerConfig
    transformer_config: TransformerConfig
    device: str = "cpu"
    variants: int = 10
    processes: int = 1
    pairs: int = 40_000
    most_clips: int = 0
    seed: int = 0
    begin: Pack | None = field(default=None, compare=False)
    probes: Path | None = None


class RunLog:
    """A line of JSON for everything that happens, to a file and to the screen."""

    def __init__(self, path: Path, name: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")
        self._name, self._began = name, time.time()

    def __call__(self, stage: str, found: Mapping[str, object]) -> None:
        """Note what a stage found."""
        row = {"set": self._name, "at": round(time.time() - self._began, 1), "stage": stage}
        line = json.dumps(row | {k: _short(v) for k, v in found.items()})
        print(line, flush=True)
        self._file.write(line + "\n")
        self._file.flush()


def _short(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


@dataclass(frozen=True, eq=False)
class Sentences:
    """All prompts of a set as token ids, and the composites among them."""

    ids: list[list[int]]
    whole: list[bool]
    pairs: dict[str, tuple[Pairs, int]]

    @classmethod
    def of(
        cls,
        variants: ClipVariants,
        odds_V: FloatArray,
        encoder: StudentTextEncoder,
        count: int,
        seed: int,
    ) -> Sentences:
        """Captions of all variants, then ``count`` composites of each kind."""
        rng = np.random.default_rng(seed)
        texts, pairs = list(variants.texts), dict[str, tuple[Pairs, int]]()
        for name, make in (("while_pairs", while_pairs), ("then_pairs", then_pairs)):
            made = make(variants, odds_V, count, rng) if count else None
            if made is not None:
                pairs[name] = (made, len(texts))
                texts += made.texts
        ids = {text: encoder.tokenizer.encode(text, _MOST_WORDS) for text in set(texts)}
        return cls([ids[text] for text in texts], [counts_something(t) for t in texts], pairs)


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """A set of clips on the device; its sentences as soon as they are made."""

    bank: FeatureBank
    odds_V: FloatArray
    sentences: Future[Sentences]

    def sampler(self, tokenizer: Tokenizer) -> RowSampler:
        """Rows for the transformer, of this tokenizer's tokens."""
        tokens, device = TokenBank.encoded(tokenizer, self.bank), self.bank.device
        made = self.sentences.result()
        tables = {
            name: PairTable.of(pairs, start, device) for name, (pairs, start) in made.pairs.items()
        }
        texts = TextTable.of(made.ids, made.whole, device)
        return RowSampler(
            self.bank, tokens, texts, Draw(self.odds_V, device), tokenizer.config, **tables
        )


class BundleRun:
    """The stages of one set, in order."""

    def __init__(self, plan: BundleRunPlan) -> None:
        self.plan = plan
        self.log = RunLog(plan.out / f"{plan.name}.log", plan.name)
        self.device = torch.device(plan.device)
        self._writer: threading.Thread | None = None
        self._saved = time.time()
        self._notes: dict[str, Any] = {}

    def run(self) -> None:
        """Everything, from the prepared file to the written weights."""
        torch.manual_seed(self.plan.seed)
        records, clips = self._clips()
        split = [split_of(record) for record in records]
        train, check = (
            self._variants(
                records, clips, [at for at, of in enumerate(split) if of == wanted], plan
            )
            for wanted, plan in (
                (TRAIN, VariantPlan(self.plan.variants, self.plan.seed)),
                (UNSEEN_TAKES, VariantPlan(1, self.plan.seed, held_out=True)),
            )
        )
        encoder = StudentTextEncoder.load(self.plan.text, self.device)
        with ThreadPoolExecutor(1) as beside:  # sentences are made while the tokenizer is trained
            sets = [
                self._set(variants, records, beside, encoder, pairs)
                for variants, pairs in ((train, self.plan.pairs), (check, 0))
                if variants is not None
            ]
            held_out = sets[1].bank if len(sets) > 1 else None
            tokenizer = self._tokenizer(sets[0].bank, held_out)
            samplers = [each.sampler(tokenizer) for each in sets]
        for each in samplers:
            self.log("tokens", {"tokens": len(each.tokens.tokens_MP)})
        self._transformer(tokenizer, samplers[0], samplers[1] if len(sets) > 1 else None, encoder)

    def _set(
        self,
        variants: ClipVariants,
        records: Sequence[ClipRecord],
        beside: Executor,
        encoder: StudentTextEncoder,
        pairs: int,
    ) -> TrainingSet:
        odds_V = self._odds(variants, records)
        bank = FeatureBank(variants, odds_V, self.device)
        self.log("bank", {"variants": len(variants.frames_V), "frames": len(variants.features_NC)})
        texts = beside.submit(Sentences.of, variants, odds_V, encoder, pairs, self.plan.seed)
        return TrainingSet(bank, odds_V, texts)

    def _clips(self) -> tuple[list[ClipRecord], list[MotionClip]]:
        records, clips = load_motions(self.plan.data)
        if self.plan.most_clips and len(records) > self.plan.most_clips:
            step = len(records) / self.plan.most_clips
            chosen = [int(at * step) for at in range(self.plan.most_clips)]
            records, clips = [records[at] for at in chosen], [clips[at] for at in chosen]
        self.log("data", {"clips": len(records), "frames": sum(c.frames for c in clips)})
        return records, clips

    def _variants(
        self,
        records: Sequence[ClipRecord],
        clips: Sequence[MotionClip],
        rows: Sequence[int],
        plan: VariantPlan,
    ) -> Any:
        if not rows:
            return None
        made = make_variants(
            [records[at] for at in rows], [clips[at] for at in rows], plan, self.plan.processes
        )
        return _renumbered(made, np.array(rows))

    def _odds(self, variants: ClipVariants, records: Sequence[ClipRecord]) -> Any:
        """Odds of the variants: contents are balanced as ever."""
        used = np.unique(variants.clip_V)
        odds = np.zeros(len(records))
        odds[used] = draw_odds([kind_of(records[at]) for at in used])
        return variant_odds(variants, odds)

    def _tokenizer(self, bank: FeatureBank, held_bank: FeatureBank | None) -> Tokenizer:
        """Trained, or as the run began with it."""
        plan = self.plan
        begin = plan.begin
        if begin is not None:
            config = from_json(TokenizerConfig, begin.notes["tokenizer"], "the pack")
            tokenizer = Tokenizer(config)
            tokenizer.load_state_dict(begin.states["tokenizer"])
            tokenizer = tokenizer.to(self.device)
        else:
            tokenizer = new_tokenizer(plan.tokenizer_config, bank, plan.seed)
        if plan.tokenizer.seconds > 0:
            capture = self.plan.probes is not None and can_capture(self.plan.probes, _PROBE_WAIT)
            schedule = replace(plan.tokenizer, capture=capture)
            self.log("tokenizer", {"captured": capture})
            training = TokenizerTraining(tokenizer, bank, held_bank, schedule, self.log)
            training.fit(encoders=begin is None)
        self._notes["tokenizer"] = to_json(tokenizer.config)
        tokenizer.eval()
        self._write({"tokenizer": state_of(tokenizer)})
        return tokenizer

    def _transformer(
        self,
        tokenizer: Tokenizer,
        sampler: RowSampler,
        held_out: RowSampler | None,
        encoder: StudentTextEncoder,
    ) -> None:
        plan = self.plan
        torch.manual_seed(plan.seed)
        model = MaskedTransformer(
            plan.transformer_config, tokenizer.config, tokenizer.codebooks_PKD
        )
        if plan.begin is not None and "transformer" in plan.begin.states:
            model.load_state_dict(plan.begin.states["transformer"])
        model = model.to(self.device)
        seconds = max(1.0, plan.deadline - time.time() - _EXPORT_SECONDS)
        seconds = min(seconds, plan.transformer.seconds or seconds)
        compiled = plan.probes is not None and can_compile(plan.probes)
        schedule = replace(plan.transformer, seconds=seconds, compiled=compiled)
        self.log("transformer", {"budget": seconds, "compiled": compiled})
        self._notes["transformer"] = to_json(model.config)
        training = MaskedTraining(
            model,
            tokenizer.config,
            sampler=sampler,
            held_out=held_out,
            encoder=encoder,
            plan=schedule,
            log=self.log,
        )
        tokens = {"tokenizer": state_of(tokenizer)}

        def saved(run: Run) -> None:
            if time.time() - self._saved > _SAVE_SECONDS:
                self._notes["step"] = run.step
                learnt = {name for name, _ in model.named_parameters()}
                average = {name: (value.cpu(), name in learnt) for name, value in run.ema.items()}
                self._write(tokens | {"transformer": average})

        run = training.fit(saved)
        self._notes["step"] = run.step
        self._write(tokens | {"transformer": state_of(model)})
        if self._writer is not None:
            self._writer.join()
        self.log("written", {"step": run.step})

    def _write(self, states: dict[str, Any]) -> None:
        """Write the pack beside the training: deflating takes seconds."""
        if self._writer is not None:
            self._writer.join()
        notes = dict(self._notes)
        self._writer = threading.Thread(
            target=write_pack, args=(self.plan.out, self.plan.name, notes, states)
        )
        self._writer.start()
        self._saved = time.time()


def _renumbered(variants: ClipVariants, rows: Any) -> ClipVariants:
    """The variants with the clips' numbers in the whole list."""
    fields = {name: getattr(variants, name) for name in ClipVariants.__dataclass_fields__}
    return ClipVariants(**(fields | {"clip_V": rows[variants.clip_V]}))
