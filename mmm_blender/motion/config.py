"""What a bundle's config.json may say: frozen dataclasses, checked at the door.

Every size of every network stands here once. ``to_json`` and ``from_json`` are exact inverses;
an unknown key, a missing key or a value of the wrong type is refused by name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ..common.errors import MMMError
from ..common.schema import GET_AGAIN
from .config_checks import (
    MOST,
    MOST_BLOCKS,
    MOST_DILATION,
    MOST_FILES,
    MOST_ROUNDS,
    check_sizes,
    listed,
)
from .features.layout import FeatureLayout, layout_named
from .limits import BundleLimits, editable_parts, longest_seconds
from .schedule import FULL_LENGTH_TOKENS, SCHEDULES
from .vocabulary import Vocabulary

BUNDLE_VERSION = 1
"""Raised when an old reader could misread a new bundle."""

NO_GUIDANCE = 1.0
"""The guidance that takes the model's word as it is."""

PATH_FEATURES = 8
"""Numbers of the path condition at a token place, in this order: known (0 or 1); velocity to the
left and ahead up to the next known place, m/s; heading known (0 or 1); turn rate to the next known
heading, radians a second; duration of the gap (5 s is 1); how far into the gap the place lies,
0..1; the whole turn to the next known heading, in half turns (``features.path_condition``)."""

_POINTWISE = 0  # a "dilation" that stands for a block which sees one place only
_CONV_KERNEL = 3
_STRIDE = 2  # each stage halves the frame rate
_STORAGE_TYPES = ("float32", "float16")
_WHOLE_BODIES = (  # parts that own every feature once, sorted
    ["all"],
    ["lower", "upper"],
    ["left_arm", "lower", "right_arm", "torso"],
)


@dataclass(frozen=True)
class TokenizerConfig:
    """Sizes of the motion tokenizer: one encoder and decoder for each body part.

    layout: name of the feature layout.
    parts: body parts, in the order of the token grid.
    width: channels of the convolutions.
    code_dim: length of a code vector.
    codes: K, entries of each codebook.
    codebooks: for each part how many share its latent vector, a slice each (product quantization,
        Jegou et al., TPAMI 2011); every codebook is a column of the token grid. Empty: one each.
    levels: values of each number of a code vector, which makes it finite scalar quantization
        (Mentzer et al., ICLR 2024); empty: codebooks that are learnt.
    dilations: of the residual blocks of one stack in order, 0 for a block of kernel 1.
    stages: how often the frame rate is halved.
    latent_kernel: of the convolutions next to the code vectors.
    output_kernel: of the decoder's last convolution.
    upper_height_relative: heights of the upper joints are relative to the root, with statistics of
        their own (published upper/lower model).
    """

    layout: str = "smpl_269"
    parts: tuple[str, ...] = ("lower", "upper")
    width: int = 256
    code_dim: int = 32
    codes: int = 512
    codebooks: tuple[int, ...] = ()
    levels: tuple[int, ...] = ()
    dilations: tuple[int, ...] = (1, _POINTWISE, _POINTWISE)
    stages: int = 2
    latent_kernel: int = 1
    output_kernel: int = 1
    upper_height_relative: bool = False

    def __post_init__(self) -> None:
        check_sizes(self, "width", "code_dim", "codes", "stages", "latent_kernel", "output_kernel")
        layout_named(self.layout)
        if sorted(self.parts) not in _WHOLE_BODIES:
            raise MMMError(
                "The tokenizer's 'parts' must be all, or lower and upper, each once, not "
                f"{listed(self.parts)}: mend its config."
            )
        if self.codebooks and (
            len(self.codebooks) != len(self.parts)
            or not all(1 <= count <= MOST_BLOCKS for count in self.codebooks)
        ):
            raise MMMError(
                "The tokenizer's 'codebooks' must be one number above 0 for each part, not "
                f"{listed(self.codebooks)}: mend its config."
            )
        if self.levels and (len(self.levels), math.prod(self.levels)) != (
            self.code_dim,
            self.codes,
        ):
            raise MMMError(
                "The tokenizer's 'levels' must be one for each of 'code_dim' numbers, and their "
                f"product 'codes', not {listed(self.levels)}: mend its config."
            )
        if max(map(len, (self.dilations, self.levels))) > MOST_BLOCKS:
            raise MMMError(f"The tokenizer has more than {MOST_BLOCKS} blocks: mend its config.")
        if not all(_POINTWISE <= dilation <= MOST_DILATION for dilation in self.dilations):
            raise MMMError(
                f"The tokenizer's 'dilations' must be {_POINTWISE} to {MOST_DILATION}, not "
                f"{listed(self.dilations)}: mend its config."
            )
        if self.upper_height_relative and "upper" not in self.parts:
            raise MMMError(
                "The tokenizer's 'upper_height_relative' needs the part upper: mend its config."
            )
        if any(kernel % 2 == 0 for kernel in (self.latent_kernel, self.output_kernel)):
            raise MMMError("The tokenizer's kernels must be odd: mend its config.")

    @property
    def feature_layout(self) -> FeatureLayout:
        """The layout that ``layout`` names."""
        return layout_named(self.layout)

    @property
    def part_codebooks(self) -> dict[str, int]:
        """Codebooks of each part, in the order of the grid."""
        counts = self.codebooks or (1,) * len(self.parts)
        return dict(zip(self.parts, counts, strict=True))

    @property
    def columns(self) -> tuple[str, ...]:
        """The body part of each column of the token grid."""
        return tuple(part for part, count in self.part_codebooks.items() for _ in range(count))

    @property
    def frames_per_token(self) -> int:
        """Frames that one token stands for."""
        return _STRIDE**self.stages

    @property
    def token_seconds(self) -> float:
        """Seconds that one token stands for."""
        return self.frames_per_token / self.feature_layout.fps

    @property
    def vocabulary(self) -> Vocabulary:
        """Token numbers of each part."""
        return Vocabulary(self.codes)

    @property
    def _stack_reach(self) -> int:
        """Places that one residual stack sees to either side, at its own frame rate."""
        return sum(self.dilations) * (_CONV_KERNEL // 2)

    @property
    def encoder_reach_frames(self) -> int:
        """Frames beyond its own that a token depends on, to either side."""
        reach = _CONV_KERNEL // 2
        for stage in range(self.stages):
            halving = _STRIDE**stage  # kernel 4, stride 2: one place more than the two it replaces
            reach += halving + self._stack_reach * halving * _STRIDE
        return reach + (self.latent_kernel // 2) * self.frames_per_token

    @property
    def decoder_reach_frames(self) -> int:
        """Frames beyond its own that a token has influence on, to either side."""
        reach = (self.latent_kernel // 2) * self.frames_per_token
        for stage in range(self.stages, 0, -1):
            rate = _STRIDE**stage
            reach += self._stack_reach * rate + (_CONV_KERNEL // 2) * rate // _STRIDE
        return reach + _CONV_KERNEL // 2 + self.output_kernel // 2


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of the masked transformer.

    places: L, length of the token grid: motion tokens of the longest clip, and END.
    width: channels.
    heads: attention heads; they divide the width.
    layers: self-attention blocks.
    cross_layers: blocks that attend to the words.
    mlp_ratio: width of an MLP's middle layer against ``width``.
    text_width: length of the text features.
    dropout: share that is dropped in training.
    word_mask: absent words are left out of the attention (published models attend to all).
    predicted_parts: parts with a logit head; empty: all.
    trained_with_guidance: some prompts were dropped in training, so classifier-free guidance may be
        used.
    path_condition: the network hears where the root has to go (see ``PATH_FEATURES``).
    """

    places: int = FULL_LENGTH_TOKENS + 1
    width: int = 256
    heads: int = 8
    layers: int = 6
    cross_layers: int = 2
    mlp_ratio: int = 4
    text_width: int = 256
    dropout: float = 0.1
    word_mask: bool = True
    predicted_parts: tuple[str, ...] = ()
    trained_with_guidance: bool = True
    path_condition: bool = False

    def __post_init__(self) -> None:
        check_sizes(self, "places", "width", "heads", "layers", "mlp_ratio", "text_width")
        if self.max_tokens < 1:
            raise MMMError("'places' must be 2 or more in a config: a motion token and its end.")
        if not 0 <= self.cross_layers <= MOST["cross_layers"]:
            raise MMMError(
                f"'cross_layers' must be 0 to {MOST['cross_layers']} in a config, not "
                f"{self.cross_layers}."
            )
        if not 0 <= self.dropout < 1:
            raise MMMError(
                f"'dropout' must be from 0 to below 1 in a config, not {self.dropout:g}."
            )
        if self.width % 2:
            raise MMMError(
                f"'width' must be even in a transformer's config, not {self.width}: sines and "
                "cosines of the places share it."
            )
        if self.width % self.heads:
            raise MMMError(
                f"A transformer {self.width} wide cannot have {self.heads} heads: "
                "give a number of heads that divides the width."
            )

    @property
    def max_tokens(self) -> int:
        """Motion tokens of the longest clip."""
        return self.places - 1


@dataclass(frozen=True)
class SamplerConfig:
    """How masked cells are filled.

    steps: None for the paper's rule, in proportion to the length.
    full_length_steps: of the longest clip, where ``steps`` is None.
    closing_step: one more step for shorter clips (published upper-body model).
    temperature: strength of the Gumbel noise; 1 samples from the model's probabilities.
    greedy: no noise at all.
    confidence_noise: Gumbel noise on the log-probabilities by which cells are ranked, falling to
        none at the last step (MaskGIT, CVPR 2022, section 3.2; the published models have none).
        Without it cells that repeat their neighbours win, and a wave becomes a raised hand.
    guidance: of classifier-free guidance; 1 is none, above 1 leans on the prompt more.
    schedule: a name in ``schedule.SCHEDULES``.
    revisions: how often the least likely of the new codes are drawn again (see ``sampling``); 0 for
        published models.
    candidates: tries of which the one that fits best is kept; None for as many as the task needs.
    footsteps: what is left to be led is led by moving foot plants, not the body over its feet.
    claim_tries: tries at most for a prompt that claims what can be measured ("waves with the left
        hand"), until one shows it; 1: the first is taken as it is.
    """

    steps: int | None = None
    full_length_steps: int = 10
    closing_step: bool = False
    temperature: float = 1.0
    greedy: bool = False
    confidence_noise: float = 0.0
    guidance: float = NO_GUIDANCE
    schedule: str = "cosine"
    revisions: int = 0
    candidates: int | None = None
    footsteps: bool = True
    claim_tries: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "candidates"):
            if getattr(self, name) is not None:
                check_sizes(self, name)
        if not 0 <= self.revisions <= MOST_ROUNDS:
            raise MMMError(f"The revisions must be 0 to {MOST_ROUNDS}: 0 means none.")
        check_sizes(self, "full_length_steps", "claim_tries")
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise MMMError("The temperature must be 0 or more: 1 is usual.")
        if not (math.isfinite(self.confidence_noise) and self.confidence_noise >= 0):
            raise MMMError("The confidence noise must be 0 or more: 0 means none.")
        if not (math.isfinite(self.guidance) and self.guidance >= 0):
            raise MMMError("The guidance must be 0 or more: 1 means none.")
        if self.schedule not in SCHEDULES:
            raise MMMError(
                f"The schedule '{self.schedule}' is not known: use {' or '.join(SCHEDULES)}."
            )


@dataclass(frozen=True)
class BundleConfig:
    """All of a bundle's config.json.

    name: what the panel calls it.
    licence: of the weights, as SPDX writes it.
    tokenizer: sizes of the motion tokenizer.
    transformer: sizes of the masked transformer.
    sampler: how masked cells are filled.
    text: handed to the text encoder as it stands.
    description: one sentence on what the weights know.
    composites: sentences of two parts ("A and B", "A, then B") were taught as one clip.
    min_seconds: length of the shortest clip; shorter ones are refused.
    storage: number type of the weights on disk.
    version: of the format, ``BUNDLE_VERSION``.
    files: SHA-256 of every file that belongs to the bundle, by its path in the bundle's folder.
    limits: what it can make, for Blender's panels; None in a bundle of version 0.1.0.

    ``bundle.save_bundle`` fills in the last two.
    """

    name: str
    licence: str
    tokenizer: TokenizerConfig
    transformer: TransformerConfig
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    text: dict[str, Any] = field(default_factory=dict)
    description: str = ""
    min_seconds: float = 0.2
    composites: bool = False
    storage: str = "float32"
    version: int = BUNDLE_VERSION
    files: dict[str, Any] = field(default_factory=dict)
    limits: BundleLimits | None = None

    def __post_init__(self) -> None:
        if self.storage not in _STORAGE_TYPES:
            raise MMMError(
                f"Weights cannot be stored as '{self.storage}': use {' or '.join(_STORAGE_TYPES)}."
            )
        check_predicted_parts(self.transformer, self.tokenizer)
        if self.transformer.path_condition and not self.tokenizer.feature_layout.true_rotations:
            raise MMMError(
                "The config's 'path_condition' does not go with the layout "
                f"{self.tokenizer.layout}: set it to false."
            )
        if not 0 < self.min_seconds <= self.max_seconds:
            raise MMMError(
                f"'min_seconds' must be above 0 and at most {self.max_seconds:g}, the longest "
                f"clip, in a config, not {self.min_seconds:g}."
            )
        if len(self.files) > MOST_FILES:
            raise MMMError(f"The config's 'files' are more than {MOST_FILES}: {GET_AGAIN}.")
        if wrong := [name for name, value in self.files.items() if not isinstance(value, str)]:
            raise MMMError(f"The config's 'files' give no hash for {listed(wrong)}: {GET_AGAIN}.")
        if self.sampler.guidance != NO_GUIDANCE and not self.transformer.trained_with_guidance:
            raise MMMError(
                "The config's sampler asks for guidance, which its transformer was not trained "
                "with: set 'guidance' to 1."
            )

    @property
    def predicted_parts(self) -> tuple[str, ...]:
        """Parts with a logit head."""
        return self.transformer.predicted_parts or self.tokenizer.parts

    @property
    def max_seconds(self) -> float:
        """Length of the longest clip."""
        tokenizer = self.tokenizer
        fps = tokenizer.feature_layout.fps
        return longest_seconds(self.transformer.places, tokenizer.frames_per_token, fps)

    @property
    def derived_limits(self) -> BundleLimits:
        """The limits that follow from the networks."""
        edits = editable_parts(self.tokenizer.parts, self.predicted_parts)
        return BundleLimits(self.min_seconds, self.max_seconds, edits)


def check_predicted_parts(transformer: TransformerConfig, tokenizer: TokenizerConfig) -> None:
    """MMMError unless the transformer predicts parts that the tokenizer has, each once."""
    predicted = transformer.predicted_parts
    if not set(predicted) <= set(tokenizer.parts) or len(set(predicted)) != len(predicted):
        raise MMMError(
            f"'predicted_parts' must be among the tokenizer's parts ({listed(tokenizer.parts)}), "
            f"each once, not {listed(predicted)}: mend the config."
        )
