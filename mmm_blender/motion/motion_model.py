"""A tokenizer and its transformer as one thing: tokens in, tokens and features out.

B batch, L token places, P body parts, T frames, C channels, K motion codes, N places, F numbers of
the path condition. All features here are normalised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..common.arrays import AnyArray, BoolArray, FloatArray, IntArray
from ..common.errors import MMMError
from ..geometry.editing.edit_mask import BodyPart
from .config import NO_GUIDANCE, SamplerConfig, TokenizerConfig, TransformerConfig
from .limits import editable_parts
from .runtime.interface import Float32Array, Networks
from .sampling.noise import Noise
from .sampling.sampler import OnTokens, TokensToLogits, log_probabilities, sample
from .text import TextFeatures
from .vocabulary import Vocabulary


class MotionModel:
    """Fills masked cells for a text, and turns features to tokens and back."""

    def __init__(self, networks: Networks) -> None:
        self.networks = networks

    @property
    def tokenizer_config(self) -> TokenizerConfig:
        """Sizes of the tokenizer."""
        return self.networks.tokenizer

    @property
    def transformer_config(self) -> TransformerConfig:
        """Sizes of the transformer."""
        return self.networks.transformer

    @property
    def columns(self) -> tuple[str, ...]:
        """The body part of each column of the grid."""
        return self.tokenizer_config.columns

    @property
    def predicted_parts(self) -> tuple[str, ...]:
        """Body parts that can be made from a prompt."""
        return self.transformer_config.predicted_parts or self.tokenizer_config.parts

    @property
    def editable_parts(self) -> tuple[BodyPart, ...]:
        """Body parts of a mask that can be regenerated (see ``limits``)."""
        return editable_parts(self.columns, self.predicted_parts)

    @property
    def vocabulary(self) -> Vocabulary:
        """Token numbers of each part."""
        return self.tokenizer_config.vocabulary

    @property
    def places(self) -> int:
        """L of a full grid."""
        return self.transformer_config.places

    def normalise(self, features_TC: FloatArray) -> Float32Array:
        """Features in the layout's units to what the networks see."""
        networks = self.networks
        return (features_TC.astype(np.float32) - networks.mean_C) / networks.std_C

    def denormalise(self, features_TC: Float32Array) -> FloatArray:
        """What the networks give to features in the layout's units."""
        networks = self.networks
        return (features_TC * networks.std_C + networks.mean_C).astype(np.float64)

    def encode(self, features_TC: Float32Array) -> IntArray:
        """Motion tokens (L, P) of one clip; frames behind the last whole token are left out."""
        whole = len(features_TC) - len(features_TC) % self.tokenizer_config.frames_per_token
        return self.networks.encode(features_TC[None, :whole])[0]

    def decode(self, tokens_LP: IntArray) -> Float32Array:
        """Features (T, C) of one clip's motion tokens, any number of them."""
        return self.networks.decode(tokens_LP[None])[0]

    def fill(
        self,
        tokens_BLP: IntArray,
        mask_BLP: BoolArray,
        lengths_B: IntArray,
        text: TextFeatures,
        *,
        sampler: SamplerConfig,
        noises: Sequence[Noise],
        without_text: bool = False,
        path_BLF: Float32Array | None = None,
        on_step: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        on_tokens: OnTokens | None = None,
    ) -> IntArray:
        """The grid with the masked cells filled; see ``sampling.sample``.

        without_text: whatever ``text`` says, the model hears none (one trained with guidance only).
        path_BLF: where the root has to go (``features.path_condition``), for a model that was
        taught to follow a path; others ignore it.
        """
        self._check(mask_BLP)
        used = int(lengths_B.max()) + 1  # places behind the longest clip's END are never looked at
        filled_BLP = sample(
            self._predictor(
                lengths_B,
                text,
                None if path_BLF is None else path_BLF[:, :used],
                guidance=sampler.guidance,
                without_text=without_text,
            ),
            tokens_BLP[:, :used],
            mask_BLP[:, :used],
            vocabulary=self.vocabulary,
            config=sampler,
            noises=noises,
            on_step=on_step,
            cancelled=cancelled,
            on_tokens=on_tokens,
        )
        return np.concatenate([filled_BLP, tokens_BLP[:, used:]], axis=1)

    def log_shares(
        self,
        tokens_BLP: IntArray,
        lengths_B: IntArray,
        text: TextFeatures,
        *,
        guidance: float,
        without_text: bool = False,
        path_BLF: Float32Array | None = None,
    ) -> AnyArray:
        """Log-probabilities (B, L, P, K) of every code in each cell of full grids."""
        predict = self._predictor(
            lengths_B, text, path_BLF, guidance=guidance, without_text=without_text
        )
        logits_NPK = predict(tokens_BLP, np.ones(tokens_BLP.shape[:2], dtype=np.bool_))
        return log_probabilities(logits_NPK).reshape(*tokens_BLP.shape, -1)

    def _check(self, mask_BLP: BoolArray) -> None:
        asked = mask_BLP.any(axis=(0, 1)).tolist()
        for part, wanted in zip(self.columns, asked, strict=True):
            if wanted and part not in self.predicted_parts:
                raise MMMError(
                    f"These weights do not make the {part} body from a prompt, they edit the "
                    f"{' and '.join(self.predicted_parts)} body of a motion that is there: "
                    "choose other weights."
                )

    def _predictor(
        self,
        lengths_B: IntArray,
        text: TextFeatures,
        path_BLF: Float32Array | None,
        *,
        guidance: float,
        without_text: bool,
    ) -> TokensToLogits:
        """The network as the sampler wants it: token grid to logits.

        Rows that are alike, as candidates are before their first step, are computed once.
        """

        def predictor(
            lengths_B: IntArray, text: TextFeatures, path: Float32Array | None
        ) -> TokensToLogits:
            if guidance == NO_GUIDANCE or without_text:  # without a text nothing to lean on
                return self._plain(lengths_B, text, path, without_text)
            return self._guided(lengths_B, text, path, guidance)

        of_all = predictor(lengths_B, text, path_BLF)
        conditions = (lengths_B, text.sentence_BC, text.words_BWC, text.word_mask_BW)
        if len(lengths_B) == 1 or not _alike(*conditions, path_BLF):
            return of_all
        of_one = predictor(lengths_B[:1], text.first, None if path_BLF is None else path_BLF[:1])

        def predict(tokens_BLP: IntArray, wanted_BL: BoolArray) -> AnyArray:
            if not _alike(tokens_BLP, wanted_BL):
                return of_all(tokens_BLP, wanted_BL)
            return np.tile(of_one(tokens_BLP[:1], wanted_BL[:1]), (len(tokens_BLP), 1, 1))

        return predict

    def _plain(
        self,
        lengths_B: IntArray,
        text: TextFeatures,
        path_BLF: Float32Array | None,
        without_text: bool,
    ) -> TokensToLogits:
        """Logits as the network gives them."""
        drop_B = np.ones(len(lengths_B), dtype=np.bool_) if without_text else None
        prepared = self.networks.prepare(text, drop_B, path_BLF)
        return lambda tokens_BLP, wanted_BL: self._all_columns(
            self.networks.logits(tokens_BLP, lengths_B, prepared, wanted_BL)
        )

    def _guided(
        self,
        lengths_B: IntArray,
        text: TextFeatures,
        path_BLF: Float32Array | None,
        guidance: float,
    ) -> TokensToLogits:
        """Logits that lean on the text (classifier-free guidance, Ho and Salimans, 2022)."""
        networks, rows = self.networks, len(lengths_B)
        drop_2B = np.arange(2 * rows) >= rows
        path_2BLF = None if path_BLF is None else np.tile(path_BLF, (2, 1, 1))
        twice = networks.prepare(text.repeated(2), drop_2B, path_2BLF)
        lengths_2B = np.tile(lengths_B, 2)

        def guided(tokens_BLP: IntArray, wanted_BL: BoolArray) -> AnyArray:
            wanted_2BL = np.tile(wanted_BL, (2, 1))
            both = networks.logits(np.tile(tokens_BLP, (2, 1, 1)), lengths_2B, twice, wanted_2BL)
            cond_NPK, uncond_NPK = np.split(both, 2)
            lean = np.float32(guidance)
            return self._all_columns(uncond_NPK + lean * (cond_NPK - uncond_NPK))

        return guided

    def _all_columns(self, logits_NQK: AnyArray) -> AnyArray:
        """Logits (N, P, K); zero for columns that the transformer does not predict."""
        predicted_P = [part in self.predicted_parts for part in self.columns]
        if all(predicted_P):
            return logits_NQK
        count, _, codes = logits_NQK.shape
        logits_NPK = np.zeros((count, len(predicted_P), codes), dtype=logits_NQK.dtype)
        logits_NPK[:, predicted_P] = logits_NQK
        return logits_NPK


def _alike(*arrays: AnyArray | None) -> bool:
    """Whether all rows of each array are the same."""
    return all(values is None or bool((values == values[:1]).all()) for values in arrays)
