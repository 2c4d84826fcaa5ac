"""What a person may get wrong in a request, each in one sentence that says what to do."""

from __future__ import annotations

import math

import numpy as np

from ...common.arrays import IntArray
from ...common.errors import MMMError
from ..config import BundleConfig

MAX_PROMPT_CHARACTERS = 2000
_MAX_SEED = 2**63 - 1


def check_prompt(prompt: str, name: str = "prompt", may_be_empty: bool = False) -> None:
    """MMMError for a prompt without a word or with too many; name: what it is to the person."""
    if not prompt.strip() and not may_be_empty:
        raise MMMError(f"The {name} is empty: describe the motion in a few words.")
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise MMMError(
            f"The {name} has {len(prompt):,} characters: shorten it to "
            f"{MAX_PROMPT_CHARACTERS:,} or fewer."
        )


def check_seconds(seconds: float, config: BundleConfig, name: str = "") -> None:
    """MMMError for a length that the model does not make; name: whose length it is."""
    # half a frame of grace: 9.8 s may come as 9.8000002 from a float32 property
    grace = 0.5 / config.tokenizer.feature_layout.fps
    shortest, longest = config.min_seconds, config.max_seconds
    if not math.isfinite(seconds) or not shortest - grace <= seconds < longest + grace:
        of = f" (the {name})" if name else ""
        raise MMMError(
            f"This model makes {shortest:g} to {longest:g} seconds of motion, "
            f"not {seconds:g}{of}: choose a length in that range."
        )


def check_seed(seed: int) -> None:
    """MMMError for a seed that the random generator does not take."""
    if not 0 <= seed <= _MAX_SEED:
        raise MMMError(f"The seed must be a whole number from 0 on, not {seed}.")


def replayed_tokens(tokens_LP: IntArray, shape: tuple[int, int], codes: int) -> IntArray:
    """Tokens of a recipe for the network; MMMError where they cannot be the motion's."""
    inside = tokens_LP.size and tokens_LP.min() >= 0 and tokens_LP.max() < codes
    if tokens_LP.shape != shape or not inside:
        raise MMMError(
            "The recipe's steps do not fit this motion and these weights: choose the weights that "
            "the recipe names, or generate again."
        )
    return tokens_LP.astype(np.int64)
