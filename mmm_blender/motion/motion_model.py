"""A tokenizer and its transformer as one thing: tokens in, tokens and features out.

B batch, L token places, P body parts, T frames, C channels, K motion codes, F numbers of the path
condition. All features here are normalised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..common.errors import MMMError
from ..geometry.editing.edit_mask import BodyPart
from .config import NO_GUIDANCE, SamplerConfig
from .limits import editable_parts
from .networks.tokenizer import Tokenizer
from .networks.transformer import MaskedTransformer, TextMemory
from .sampling.sampler import TokensToLogits, sample
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from .text import TextFeatures


class MotionModel:
    """Fills masked cells for a text, and turns features to tokens and back."""

    def __init__(self, tokenizer: Tokenizer, transformer: MaskedTransformer) -> None:
        self.tokenizer = tokenizer.eval()
        self.transformer = transformer.eval()

    @property
    def device(self) -> torch.device:
        """Where both networks are."""
        return self.tokenizer.mean_C.device

    @property
    def columns(self) -> tuple[str, ...]:
        """The body part of each column of the grid."""
        return self.tokenizer.config.columns

    @property
    def predicted_parts(self) -> tuple[str, ...]:
        """Body parts that can be made from a prompt."""
        predicted = self.transformer.config.predicted_parts
        return predicted or self.tokenizer.config.parts

    @property
    def editable_parts(self) -> tuple[BodyPart, ...]:
        """Body parts of a mask that can be regenerated (see ``limits``)."""
        return editable_parts(self.columns, self.predicted_parts)

    @property
    def vocabulary(self) -> Vocabulary:
        """Token numbers of each part."""
        return self.tokenizer.config.vocabulary

    @property
    def places(self) -> int:
        """L of a full grid."""
        return self.transformer.config.places

    @torch.inference_mode()
    def encode(self, features_TC: Tensor) -> Tensor:
        """Motion tokens (L, P) of one clip; frames behind the last whole token are left out."""
        whole = len(features_TC) - len(features_TC) % self.tokenizer.config.frames_per_token
        return self.tokenizer.encode(features_TC[None, :whole].to(self.device))[0]

    @torch.inference_mode()
    def decode(self, tokens_LP: Tensor) -> Tensor:
        """Features (T, C) of one clip's motion tokens, any number of them."""
        return self.tokenizer.decode(tokens_LP[None])[0]

    @torch.inference_mode()
    def fill(
        self,
        tokens_BLP: Tensor,
        mask_BLP: Tensor,
        lengths_B: Tensor,
        text: TextFeatures,
        *,
        sampler: SamplerConfig,
        generators: Sequence[torch.Generator],
        without_text: bool = False,
        path_BLF: Tensor | None = None,
        on_step: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Tensor:
        """The grid (on the CPU) with the masked cells filled; see ``sampling.sample``.

        without_text: whatever ``text`` says, the model hears none (one trained with guidance only).
        path_BLF: where the root has to go (``pipeline.path_condition``), for a model that was
        taught to follow a path; others ignore it.
        """
        self._check(mask_BLP)
        used = int(lengths_B.max()) + 1  # places behind the longest clip's END are never looked at
        filled_BLP = sample(
            self._predictor(
                lengths_B.to(self.device),
                text,
                None if path_BLF is None else path_BLF[:, :used].to(self.device),
                guidance=sampler.guidance,
                without_text=without_text,
            ),
            tokens_BLP[:, :used].to(self.device),
            mask_BLP[:, :used].to(self.device),
            vocabulary=self.vocabulary,
            config=sampler,
            generators=generators,
            on_step=on_step,
            cancelled=cancelled,
        )
        return torch.cat([filled_BLP.cpu(), tokens_BLP[:, used:].cpu()], dim=1)

    @torch.inference_mode()
    def log_shares(
        self,
        tokens_BLP: Tensor,
        lengths_B: Tensor,
        text: TextFeatures,
        *,
        guidance: float,
        without_text: bool = False,
        path_BLF: Tensor | None = None,
    ) -> Tensor:
        """Log-probabilities (B, L, P, K), on the CPU, of every code in each cell of full grids."""
        predict = self._predictor(
            lengths_B.to(self.device),
            text,
            None if path_BLF is None else path_BLF.to(self.device),
            guidance=guidance,
            without_text=without_text,
        )
        return predict(tokens_BLP.to(self.device)).log_softmax(-1).cpu()

    def _check(self, mask_BLP: Tensor) -> None:
        asked = mask_BLP.flatten(0, 1).any(0).tolist()
        for part, wanted in zip(self.columns, asked, strict=True):
            if wanted and part not in self.predicted_parts:
                raise MMMError(
                    f"This bundle does not make the {part} body from a prompt, it edits the "
                    f"{' and '.join(self.predicted_parts)} body of a motion that is there: "
                    "choose another bundle."
                )

    def _predictor(
        self,
        lengths_B: Tensor,
        text: TextFeatures,
        path_BLF: Tensor | None,
        *,
        guidance: float,
        without_text: bool,
    ) -> TokensToLogits:
        """The network as the sampler wants it: token grid to logits."""
        text = text.to(self.device)
        rows = len(lengths_B)
        if guidance == NO_GUIDANCE or without_text:  # without a text there is nothing to lean on
            drop = torch.ones_like(lengths_B, dtype=torch.bool) if without_text else None
            memory = self.transformer.precompute_kv(text, drop, path_BLF)
            return lambda tokens_BLP: self._logits(tokens_BLP, lengths_B, memory)
        drop = torch.arange(2 * rows, device=self.device) >= rows
        path_2BLF = None if path_BLF is None else path_BLF.repeat(2, 1, 1)
        twice = self.transformer.precompute_kv(_repeat(text), drop, path_2BLF)
        lengths_2B = lengths_B.repeat(2)

        def guided(tokens_BLP: Tensor) -> Tensor:
            both = self._logits(tokens_BLP.repeat(2, 1, 1), lengths_2B, twice)
            cond_BLPK, uncond_BLPK = both.chunk(2)
            return uncond_BLPK + guidance * (cond_BLPK - uncond_BLPK)

        return guided

    def _logits(self, tokens_BLP: Tensor, lengths_B: Tensor, memory: TextMemory) -> Tensor:
        """Logits (B, L, P, K); zero for columns that the transformer does not predict."""
        predicted = self.transformer.logits(tokens_BLP, lengths_B, memory)
        by_column = dict(zip(self.transformer.predicted_columns, predicted, strict=True))
        nothing = torch.zeros_like(predicted[0])
        columns = [by_column.get(column, nothing) for column in range(len(self.columns))]
        return torch.stack(columns, dim=2).float()


def _repeat(text: TextFeatures) -> TextFeatures:
    """The same texts twice, one batch behind the other."""
    return type(text)(
        text.sentence_BC.repeat(2, 1),
        text.words_BWC.repeat(2, 1, 1),
        text.word_mask_BW.repeat(2, 1),
    )
