"""A prompt becomes a clip: the one entry that the worker and the tools use.

B batch, L token places, P body parts, T frames, C channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..geometry.clip import MotionClip
from ..geometry.conventions import IntArray
from ..geometry.errors import MMMError
from . import masks
from .bundle import Bundle, load_bundle
from .config import SamplerConfig
from .features import decode_to_clip
from .sampling import Cancelled
from .text import TextEncoder, load_text_encoder

__all__ = ["Cancelled", "GenerateRequest", "GenerateResult", "Generator"]

MAX_PROMPT_CHARACTERS = 2000
_MAX_SEED = 2**63 - 1

OnStep = Callable[[int, int], None]
IsCancelled = Callable[[], bool]


@dataclass(frozen=True)
class GenerateRequest:
    """What is wanted. seconds: length of the clip; sampler: None for the bundle's own."""

    prompt: str
    seconds: float
    seed: int = 0
    sampler: SamplerConfig | None = None


@dataclass(frozen=True, eq=False)
class GenerateResult:
    """The clip, at the layout's rate, and what it takes to make it again."""

    clip: MotionClip
    tokens_LP: IntArray
    sampler: SamplerConfig
    seed: int


class Generator:
    """A loaded bundle with its text encoder. On the CPU equal requests give equal clips."""

    def __init__(self, bundle: Bundle, text_encoder: TextEncoder) -> None:
        self.bundle = bundle
        self.config = bundle.config
        self.model = bundle.model
        self.text_encoder = text_encoder
        if text_encoder.width != self.config.transformer.text_width:
            raise MMMError(
                f"The bundle {bundle.folder.name} wants text features of "
                f"{self.config.transformer.text_width} numbers and its text encoder gives "
                f"{text_encoder.width}: use the encoder that the bundle was trained with."
            )

    @classmethod
    def load(cls, bundle: Path, device: str = "cpu") -> Generator:
        """Read a bundle and its text encoder; MMMError says what is wrong with it."""
        loaded = load_bundle(bundle, device)
        return cls(loaded, load_text_encoder(bundle, loaded.config.text, device))

    @property
    def min_seconds(self) -> float:
        """Length of the shortest clip."""
        return self.config.min_seconds

    @property
    def max_seconds(self) -> float:
        """Length of the longest clip."""
        return self.config.max_seconds

    @property
    def parameters(self) -> int:
        """Numbers that were trained, without the text encoder."""
        modules = (self.model.tokenizer, self.model.transformer)
        return sum(values.numel() for module in modules for values in module.parameters())

    @property
    def info(self) -> dict[str, Any]:
        """What a person wants to know about the bundle, as plain values."""
        return {
            "name": self.config.name,
            "hash": self.bundle.hash,
            "licence": self.config.licence,
            "description": self.config.description,
            "layout": self.config.tokenizer.layout,
            "parts": list(self.config.tokenizer.parts),
            "predicted_parts": list(self.model.predicted_parts),
            "fps": self.config.tokenizer.feature_layout.fps,
            "min_seconds": self.min_seconds,
            "max_seconds": self.max_seconds,
            "guidance": self.config.transformer.trained_with_guidance,
            "parameters": self.parameters,
        }

    def generate(
        self,
        request: GenerateRequest,
        on_step: OnStep | None = None,
        cancelled: IsCancelled | None = None,
    ) -> GenerateResult:
        """One clip; MMMError for a request that cannot be met, Cancelled when asked to stop."""
        return self.generate_batch([request], on_step, cancelled)[0]

    def generate_batch(
        self,
        requests: Sequence[GenerateRequest],
        on_step: OnStep | None = None,
        cancelled: IsCancelled | None = None,
    ) -> list[GenerateResult]:
        """Several clips at once, with their own lengths and seeds but one sampler."""
        if not requests:
            return []
        for request in requests:
            self._check(request)
        samplers = {request.sampler or self.config.sampler for request in requests}
        if len(samplers) != 1:
            raise MMMError("The clips of one batch need the same sampler settings: split it.")
        sampler = samplers.pop()
        tokens_BLP, lengths = self._sample(requests, sampler, on_step, cancelled)
        return [
            self._result(request, sampler, tokens_LP[:length])
            for request, tokens_LP, length in zip(requests, tokens_BLP, lengths, strict=True)
        ]

    def frames(self, seconds: float) -> int:
        """Frames of a clip that lasts so long, at the layout's rate."""
        return max(1, round(seconds * self.config.tokenizer.feature_layout.fps))

    def _sample(
        self,
        requests: Sequence[GenerateRequest],
        sampler: SamplerConfig,
        on_step: OnStep | None,
        cancelled: IsCancelled | None,
    ) -> tuple[Tensor, list[int]]:
        """Tokens (B, L, P) and the motion tokens of each clip."""
        per_token = self.config.tokenizer.frames_per_token
        lengths = [-(-self.frames(request.seconds) // per_token) for request in requests]
        lengths_B = torch.tensor(lengths)
        size = (self.model.places, len(self.model.columns))
        tokens_BLP = self.model.fill(
            masks.masked_grid(lengths_B, *size, self.model.vocabulary),
            masks.all_cells(lengths_B, *size),
            lengths_B,
            self.text_encoder.encode([request.prompt for request in requests]),
            sampler=sampler,
            generators=[torch.Generator().manual_seed(request.seed) for request in requests],
            on_step=on_step,
            cancelled=cancelled,
        )
        return tokens_BLP, lengths

    def _result(
        self, request: GenerateRequest, sampler: SamplerConfig, tokens_LP: Tensor
    ) -> GenerateResult:
        features_TC = self.model.tokenizer.denormalise(
            self.model.decode(tokens_LP.to(self.model.device))
        )[: self.frames(request.seconds)]
        layout = self.config.tokenizer.feature_layout
        clip = decode_to_clip(features_TC.cpu().numpy().astype(np.float64), layout)
        return GenerateResult(clip, tokens_LP.cpu().numpy(), sampler, request.seed)

    def _check(self, request: GenerateRequest) -> None:
        """MMMError with what to do, for everything that a person may get wrong."""
        prompt, seconds = request.prompt, request.seconds
        if not prompt.strip():
            raise MMMError("The prompt is empty: describe the motion in a few words.")
        if len(prompt) > MAX_PROMPT_CHARACTERS:
            raise MMMError(
                f"The prompt has {len(prompt):,} characters: shorten it to "
                f"{MAX_PROMPT_CHARACTERS:,} or fewer."
            )
        # half a frame of grace: 9.8 s may come as 9.8000002 from a float32 property
        grace = 0.5 / self.config.tokenizer.feature_layout.fps
        if not math.isfinite(seconds) or not (
            self.min_seconds - grace <= seconds < self.max_seconds + grace
        ):
            raise MMMError(
                f"This model makes {self.min_seconds:g} to {self.max_seconds:g} seconds of motion, "
                f"not {seconds:g}: choose a length in that range."
            )
        if not 0 <= request.seed <= _MAX_SEED:
            raise MMMError(f"The seed must be a whole number from 0 on, not {request.seed}.")
