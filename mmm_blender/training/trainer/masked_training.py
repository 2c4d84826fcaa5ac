"""The masked transformer from the token bank, on the device.

Against learning clips by heart: many variants of each clip, captions and text noise, dropout, and
labels that give a little to the codes nearest in the codebook (label smoothing spread evenly over
all codes would have a sampler draw random ones).

B batch, L token places, P streams, K codes, W words, F numbers of the path, J neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...motion.config import TokenizerConfig
from ...motion.networks.masks import motion_places
from ...motion.networks.text.features import TextFeatures
from ...motion.networks.text.student import StudentTextEncoder
from ...motion.networks.transformer import MaskedTransformer
from .device_steps import run_steps
from .loop import Plan, Run, autocast
from .path_batches import known_borders, path_features
from .row_sampler import LOWER, UPPER, Rows, RowSampler
from .token_batches import TEXT_NOISE, Masks, blur, corrupt, draw_masks
from .tokenizer_training import Log

_NEIGHBOURS = 8
_SMOOTHING = 0.1  # of a label goes to the nearest codes
_KEPT_WEIGHT = 0.15  # of a cell that is shown, against one that is to be filled
_ALL_SHARE = 0.1  # of the rows are masked from end to end, as a prompt begins
_TEXT_DROP = 0.1
_SPAN_SHARE = 0.5  # of the rows that ask for one half of the body ask for a span of it
_REPORT_EVERY = 250
_CHECK_BATCHES, _CHECK_ROWS = 4, 128


@dataclass(frozen=True)
class TransformerPlan:
    """How long and how to train."""

    seconds: float
    batch: int = 512
    rate: float = 6e-4
    weight_decay: float = 0.03
    text_noise: float = TEXT_NOISE
    precision: str = "bfloat16"
    compiled: bool = False
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Asked:
    """A batch as the network sees it. weight_BLP: how much each cell counts."""

    seen_BLP: Tensor
    weight_BLP: Tensor
    path_BLF: Tensor
    text: TextFeatures


class CodeLoss:
    """Cross-entropy whose labels share a little with the nearest codes of their codebook."""

    def __init__(self, codebooks_PKD: Tensor) -> None:
        distance_PKK = torch.cdist(codebooks_PKD, codebooks_PKD).square()
        nearest = distance_PKK.topk(_NEIGHBOURS + 1, largest=False)
        self._near_PKJ = nearest.indices[..., 1:]
        near = nearest.values[..., 1:]
        scale = near.mean((1, 2), keepdim=True).clamp(min=1e-12)
        self._share_PKJ = (-near / scale).softmax(-1)

    def __call__(
        self, logits: list[Tensor], tokens_BLP: Tensor, weight_BLP: Tensor, smooth: bool = True
    ) -> Tensor:
        """Weighted mean over cells, in nats; ``smooth`` False: of the true codes alone."""
        losses: list[Tensor] = []
        codes = logits[0].shape[-1]
        for stream, stream_logits in enumerate(logits):
            log_BLK = stream_logits.float().log_softmax(-1)
            true_BL = tokens_BLP[..., stream].clamp(max=codes - 1)
            found_BL = log_BLK.gather(-1, true_BL[..., None])[..., 0]
            if smooth:
                near_BLJ = log_BLK.gather(-1, self._near_PKJ[stream][true_BL])
                near_BL = (near_BLJ * self._share_PKJ[stream][true_BL]).sum(-1)
                found_BL = torch.lerp(found_BL, near_BL, _SMOOTHING)
            losses.append(-(found_BL * weight_BLP[..., stream]).sum())
        return torch.stack(losses).sum() / weight_BLP.sum().clamp(min=1)


class MaskedTraining:
    """One transformer on its way. held_out: rows to check on."""

    def __init__(
        self,
        model: MaskedTransformer,
        tokenizer: TokenizerConfig,
        *,
        sampler: RowSampler,
        held_out: RowSampler | None,
        encoder: StudentTextEncoder,
        plan: TransformerPlan,
        log: Log,
    ) -> None:
        self.model, self._tokenizer, self._sampler = model, tokenizer, sampler
        self._encoder, self._plan, self._log = encoder, plan, log
        self._loss = CodeLoss(model.codebooks_PKD)
        self._forward = compiled(model) if plan.compiled else model
        self._root_P = ~sampler.upper_P
        self._seconds = tokenizer.frames_per_token / tokenizer.feature_layout.fps
        self._checks = [] if held_out is None else _check_rows(held_out, plan.batch)

    def fit(self, saved: Callable[[Run], None] | None = None) -> Run:
        """Train; the averaged weights are loaded in the end. saved: called now and then."""
        plan = Plan(
            self._plan.seconds / 60,
            self._plan.rate,
            seed=self._plan.seed,
            weight_decay=self._plan.weight_decay,
            betas=(0.9, 0.98),
        )
        self.model.train()
        run = Run.start(self.model, plan)

        def step(number: int) -> Tensor:
            rows = self._sampler.draw(self._plan.batch, longer=number % 2 == 1)
            loss = self._training_loss(rows)
            run.descend(loss)
            return loss.detach()

        def after(steps: int, value: Callable[[], float]) -> None:
            if steps % _REPORT_EVERY == 0:
                found = {"step": steps, "seconds": round(run.seconds, 1), "loss": value()}
                if steps % (4 * _REPORT_EVERY) == 0:
                    found |= self.checked(run)
                self._log("transformer", found)
                if saved is not None:
                    saved(run)

        run_steps(run, plan, step, after)
        self._log("transformer", {"step": run.step, "seconds": run.seconds, **self.checked(run)})
        self.model.load_state_dict(run.ema)
        return run

    def _training_loss(self, rows: Rows) -> Tensor:
        asked = self.asked(rows)
        dropped_B = torch.rand(len(rows.lengths_B), device=rows.lengths_B.device) < _TEXT_DROP
        text = blur(asked.text, None, self._plan.text_noise)
        with autocast(rows.lengths_B.device, self._plan.precision):
            logits = self._forward(asked.seen_BLP, rows.lengths_B, text, dropped_B, asked.path_BLF)
        return self._loss(logits, rows.tokens_BLP, asked.weight_BLP)

    @torch.no_grad()
    def asked(self, rows: Rows) -> Asked:
        """Masks, path and text of a batch, drawn again."""
        masks = self._masks(rows)
        vocabulary = self._tokenizer.vocabulary
        seen_BLP = corrupt(rows.tokens_BLP, rows.lengths_B, masks, vocabulary)
        known_BS, heading_BS = known_borders(rows, masks, self._root_P)
        path_BLF = path_features(rows.poses_BS3, known_BS, heading_BS, self._seconds)
        return Asked(seen_BLP, self._weights(rows, masks), path_BLF, self.text(rows))

    @torch.no_grad()
    def text(self, rows: Rows) -> TextFeatures:
        """Features of the rows' prompts."""
        with autocast(rows.lengths_B.device, self._plan.precision):
            found = self._encoder.encode_ids(rows.ids_BW, rows.words_BW)
        return TextFeatures(found.sentence_BC.float(), found.words_BWC.float(), rows.words_BW)

    def _masks(self, rows: Rows) -> Masks:
        """The tasks' masks, some rows whole, halves of the body where they are asked for, and the
        gaps that nobody knows."""
        count, places, _ = rows.tokens_BLP.shape
        device = rows.lengths_B.device
        masks = draw_masks(rows.lengths_B, places, self._tokenizer.columns)
        motion_BL1 = motion_places(rows.lengths_B, places)[..., None]
        whole_B11 = torch.rand(count, 1, 1, device=device) < _ALL_SHARE
        masked_BLP = torch.where(whole_B11, motion_BL1, masks.masked_BLP)
        edited_B11 = masks.edited_B11 & ~whole_B11
        half_BLP = motion_BL1 & self._half(rows)
        span_B11 = torch.rand(count, 1, 1, device=device) < _SPAN_SHARE
        ends_B2 = torch.rand(count, 2, device=device).sort(dim=1).values * rows.lengths_B[:, None]
        place_L = torch.arange(places, device=device)
        span_BL = (place_L + 1 > ends_B2[:, :1]) & (place_L < ends_B2[:, 1:])
        half_BLP = half_BLP & (span_BL[..., None] | ~span_B11)
        usual_B11 = (rows.task_B == 0)[:, None, None]
        masked_BLP = torch.where(usual_B11, masked_BLP, half_BLP) | rows.gap_BL[..., None]
        return Masks(masked_BLP, edited_B11 | ~usual_B11)

    def _half(self, rows: Rows) -> Tensor:
        """Streams (B, 1, P) of the half that a row asks for."""
        task_B11 = rows.task_B[:, None, None]
        upper_P = self._sampler.upper_P
        return ((task_B11 == UPPER) & upper_P) | ((task_B11 == LOWER) & ~upper_P)

    def _weights(self, rows: Rows, masks: Masks) -> Tensor:
        known_BL1 = motion_places(rows.lengths_B, rows.gap_BL.shape[1]) & ~rows.gap_BL
        weight_BLP = torch.where(masks.masked_BLP, 1.0, _KEPT_WEIGHT)
        return weight_BLP * known_BL1[..., None]

    @torch.inference_mode()
    def checked(self, run: Run) -> dict[str, object]:
        """Cross-entropies on held-out rows with the averaged weights (``run.ema``).

        whole: all masked, with the prompt. span: a middle part masked, with what lies around and
        where it has to arrive. The legs of clips that travel, all masked under a kept upper body:
        with the true path, another row's, none.
        """
        if not self._checks:
            return {}
        learnt = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(run.ema)
        self.model.eval()
        found = [self._check(rows) for rows in self._checks]
        self.model.load_state_dict(learnt)
        self.model.train()
        return {name: round(sum(each[name] for each in found) / len(found), 3) for name in found[0]}

    def _check(self, rows: Rows) -> dict[str, float]:
        count, places, _ = rows.tokens_BLP.shape
        motion_BL1 = motion_places(rows.lengths_B, places)[..., None]
        every_BLP = motion_BL1.expand_as(rows.tokens_BLP)
        root_BLP = motion_BL1 & self._root_P
        place_L = torch.arange(places, device=motion_BL1.device)
        middle_BL = (place_L >= rows.lengths_B[:, None] // 4) & (
            place_L < 3 * rows.lengths_B[:, None] // 4
        )
        span_BLP = every_BLP & middle_BL[..., None]
        everywhere_BS = torch.ones(count, places + 1, dtype=torch.bool, device=place_L.device)
        sides_BS = _around(~middle_BL)
        border_S = torch.arange(places + 1, device=place_L.device)
        everywhere_BS &= border_S <= rows.lengths_B[:, None]
        travel_B = (rows.poses_BS3[:, -1, :2] - rows.poses_BS3[:, 0, :2]).norm(dim=-1) > 1.0
        true_BLF, wrong_BLF, sides_BLF = (
            path_features(poses, known, known, self._seconds)
            for poses, known in (
                (rows.poses_BS3, everywhere_BS),
                (rows.poses_BS3.roll(1, 0), everywhere_BS),
                (rows.poses_BS3, sides_BS),
            )
        )
        none_BLF, all_B = torch.zeros_like(true_BLF), torch.ones_like(travel_B)
        return {
            "whole": self._entropy(rows, every_BLP, none_BLF, all_B),
            "whole, true path": self._entropy(rows, every_BLP, true_BLF, all_B),
            "span": self._entropy(rows, span_BLP, none_BLF, all_B),
            "span, sides": self._entropy(rows, span_BLP, sides_BLF, all_B),
            "legs, true path": self._entropy(rows, root_BLP, true_BLF, travel_B),
            "legs, wrong path": self._entropy(rows, root_BLP, wrong_BLF, travel_B),
            "legs, no path": self._entropy(rows, root_BLP, none_BLF, travel_B),
        }

    def _entropy(self, rows: Rows, masked_BLP: Tensor, path_BLF: Tensor, of_B: Tensor) -> float:
        """Mean nats of the masked cells of some rows."""
        seen_BLP = torch.where(masked_BLP, self._tokenizer.vocabulary.mask, rows.tokens_BLP)
        with autocast(seen_BLP.device, self._plan.precision):
            logits = self.model(seen_BLP, rows.lengths_B, self.text(rows), None, path_BLF)
        weight_BLP = (masked_BLP & of_B[:, None, None]).float()
        return float(self._loss(logits, rows.tokens_BLP, weight_BLP, smooth=False))


def compiled(model: MaskedTransformer) -> Callable[..., list[Tensor]]:
    """The model with fused kernels, one program for each width of a batch; what cannot be compiled
    runs as it is."""
    torch._dynamo.config.suppress_errors = True  # pyright: ignore[reportPrivateUsage]
    return torch.compile(model, dynamic=False)


def _around(kept_BL: Tensor) -> Tensor:
    """Borders (B, S) of kept places."""
    nothing_B1 = torch.zeros_like(kept_BL[:, :1])
    return torch.cat([kept_BL, nothing_B1], 1) | torch.cat([nothing_B1, kept_BL], 1)


def _check_rows(sampler: RowSampler, batch: int) -> list[Rows]:
    """Batches of held-out rows, the same in every run, no larger than those of training."""
    device, rows = sampler.bank.device, min(_CHECK_ROWS, batch)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        return [sampler.draw(rows, longer=at % 2 == 1) for at in range(_CHECK_BATCHES)]
