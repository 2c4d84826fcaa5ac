"""The goldens of the published model's format, each as a case that says how far we are off.

"alone" in a name: sampled in a batch of its own, where the reference has a quirk (see
``_generate_alone``).
B batch, L token places, P body parts, T frames, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmm_blender.common.arrays import AnyArray, BoolArray, IntArray
from mmm_blender.motion.bundles.published_checkpoint import (
    sampler_config,
)
from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.motion_model import MotionModel
from mmm_blender.motion.sampling import masks
from mmm_blender.motion.sampling.noise import Noise
from mmm_blender.motion.schedule import step_progress

from .cells import all_cells, only_parts, time_span
from .join import join
from .reference import Outcome, Reference, compare_tokens, compare_values

SAMPLED_FRAMES = (24, 40, 64, 120, 196)
LEFT_EARLY_STEPS = 2  # see _generate_alone
UPPER, LOWER = 0, 1  # columns of the upper-body model's grid


@dataclass(frozen=True)
class Case:
    """One golden. needs_statistics: it cannot run without the features' mean and deviation."""

    name: str
    run: Callable[[Reference], Outcome]
    needs_statistics: bool = False


def sizes(reference: Reference) -> Outcome:
    """What was read from the shapes against config.json."""
    ours, given = reference.full, reference.size
    tokenizer, transformer = ours.tokenizer_config, ours.transformer_config
    dilations = [given("dilation_growth_rate") ** power for power in range(given("depth"))]
    pairs: list[tuple[object, object]] = [
        (tokenizer.codes, given("nb_code")),
        (tokenizer.code_dim, given("code_dim")),
        (tokenizer.width, given("width")),
        (tokenizer.stages, given("down_t")),
        (list(tokenizer.dilations), dilations[::-1]),
        (transformer.width, given("embed_dim")),
        (transformer.text_width, given("clip_dim")),
        (transformer.places + 1, given("block_size")),
        (transformer.cross_layers, given("num_local_layer")),
        (transformer.layers, 2 * given("num_layers") - given("num_local_layer")),
    ]
    return Outcome(wrong=sum(mine != theirs for mine, theirs in pairs), tokens=len(pairs))


def full_encode(reference: Reference) -> Outcome:
    """Features to tokens."""
    tokens_BLP = reference.full.networks.encode(reference["full/vq/features"])
    return compare_tokens(tokens_BLP[..., 0], reference["full/vq/tokens"])


def full_decode(reference: Reference) -> Outcome:
    """Tokens to features."""
    decoded_BTC = reference.full.networks.decode(reference["full/vq/tokens"][..., None])
    return compare_values(decoded_BTC, reference["full/vq/decoded"])


def full_forward(reference: Reference) -> Outcome:
    """Logits of every place."""
    networks, ids_BLP = reference.full.networks, reference["full/forward/ids"][..., None]
    prepared = networks.prepare(reference.text(len(ids_BLP)), None, None)
    everywhere = np.ones(ids_BLP.shape[:2], dtype=np.bool_)
    logits = networks.logits(ids_BLP, reference["full/forward/lengths"], prepared, everywhere)
    expected_BLK = reference["full/forward/logits"][:, 1:]  # the sentence's place has no token
    return compare_values(logits.reshape(expected_BLK.shape), expected_BLK)


def full_sample(frames: int) -> Callable[[Reference], Outcome]:
    """Greedy tokens for the first prompt at that length."""

    def run(reference: Reference) -> Outcome:
        tokens_BLP = _generate_alone(reference, [frames])
        return compare_tokens(tokens_BLP[..., 0], reference[f"full/sample/len{frames}"])

    return run


def full_batch(reference: Reference) -> Outcome:
    """Greedy tokens for four prompts of different lengths at once."""
    tokens_BLP = _generate(reference, reference["full/sample/batch_lengths"])
    return compare_tokens(tokens_BLP[..., 0], reference["full/sample/batch"])


def full_pose(reference: Reference) -> Outcome:
    """Features of that batch."""
    frames_B = reference["full/sample/batch_lengths"]
    tokens_BLP = _generate(reference, frames_B)
    return _poses(reference.full, tokens_BLP, frames_B, reference["full/generate/pose"])


def full_inbetween(reference: Reference) -> Outcome:
    """Tokens outside a span kept, those inside filled."""
    model, frames_B = reference.full, reference["full/inbetween/lengths"]
    grid_BLP, lengths_B = _encoded(model, reference["full/inbetween/base"], frames_B)
    start_B, stop_B = (reference[f"full/inbetween/{name}_token"] for name in ("start", "end"))
    mask_BLP = time_span(lengths_B, model.places, len(model.columns), start_B, stop_B)
    filled_BLP = _fill(reference, model, grid_BLP, mask_BLP, lengths_B)
    return compare_tokens(filled_BLP[..., 0], reference["full/inbetween/tokens"])


def full_prompts(reference: Reference) -> Outcome:
    """The clips of a long sequence."""
    tokens_BLP = _generate_alone(reference, reference["full/long/lengths"].tolist())
    return compare_tokens(tokens_BLP[..., 0], reference["full/long/prompt_tokens"])


def full_long(reference: Reference) -> Outcome:
    """The clips with transitions between them, decoded in one go."""
    model, frames_B = reference.full, reference["full/long/lengths"]
    tokens_BLP = _generate_alone(reference, frames_B.tolist())
    lengths = _token_lengths(model, frames_B).tolist()
    clips = [row_LP[:length] for row_LP, length in zip(tokens_BLP, lengths, strict=True)]
    text = reference.text(len(clips))
    joined_LP = join(model, clips, text, sampler=_greedy(model), noises=_unused(clips))
    return compare_values(model.decode(joined_LP)[None], reference["full/long/pose"])


def upper_encode(reference: Reference) -> Outcome:
    """Features to tokens of both parts."""
    tokens_BLP = reference.upper.networks.encode(reference["upper/vq/features"])
    return compare_tokens(tokens_BLP, reference["upper/vq/tokens"])


def upper_decode(reference: Reference) -> Outcome:
    """Tokens of both parts to features."""
    decoded_BTC = reference.upper.networks.decode(reference["upper/vq/tokens"])
    return compare_values(decoded_BTC, reference["upper/vq/decoded"])


def upper_lower_tokens(reference: Reference) -> Outcome:
    """The lower tokens that an edit of the upper body keeps."""
    frames_B = reference["upper/edit/lengths"]
    grid_BLP, _ = _encoded(reference.upper, reference["upper/edit/pose_in"], frames_B)
    return compare_tokens(grid_BLP[..., LOWER], reference["upper/edit/lower_tokens"])


def upper_tokens(reference: Reference) -> Outcome:
    """The new upper tokens."""
    return compare_tokens(_edited(reference)[..., UPPER], reference["upper/edit/upper_tokens"])


def upper_pose(reference: Reference) -> Outcome:
    """Features after the edit."""
    frames_B = reference["upper/edit/lengths"]
    return _poses(reference.upper, _edited(reference), frames_B, reference["upper/edit/pose_out"])


CASES = (
    Case("sizes", sizes),
    Case("full/vq tokens", full_encode),
    Case("full/vq decoded", full_decode),
    Case("full/forward logits", full_forward),
    *(Case(f"full/sample len{frames}, alone", full_sample(frames)) for frames in SAMPLED_FRAMES),
    Case("full/sample batch", full_batch),
    Case("full/generate pose", full_pose),
    Case("full/inbetween tokens", full_inbetween),
    Case("full/long prompts, each alone", full_prompts),
    Case("full/long pose, prompts alone", full_long),
    Case("upper/vq tokens", upper_encode, needs_statistics=True),
    Case("upper/vq decoded", upper_decode, needs_statistics=True),
    Case("upper/edit lower tokens", upper_lower_tokens, needs_statistics=True),
    Case("upper/edit upper tokens", upper_tokens, needs_statistics=True),
    Case("upper/edit pose", upper_pose, needs_statistics=True),
)


def run_case(case: Case, reference: Reference) -> Outcome:
    """One case."""
    return case.run(reference)


def _generate(reference: Reference, frames_B: IntArray) -> IntArray:
    """Greedy tokens (B, L, P) of the first prompts."""
    model = reference.full
    lengths_B = _token_lengths(model, frames_B)
    size = (model.places, len(model.columns))
    grid_BLP = masks.masked_grid(lengths_B, *size, model.vocabulary)
    mask_BLP = all_cells(lengths_B, *size)
    return _fill(reference, model, grid_BLP, mask_BLP, lengths_B)


def _generate_alone(reference: Reference, frames: Sequence[int]) -> IntArray:
    """Greedy tokens (B, L, P) of the first prompts, each sampled in a batch of its own.

    The one place where the reference does not keep to the rule: for a clip that is alone in its
    batch and for which the rule gives two steps (8 to 12 tokens), its tokens are those of the
    first step only, as if it left its loop there. So that clip is sampled in one step here. The
    golden clips with two steps are len40, where both ways give the same tokens, and the second
    prompt of full/long, where the rule would differ in 1 token of 50. In a batch (full/sample
    batch has such a clip too) the reference keeps to the rule.
    """
    model, rows = reference.full, []
    for row, count in enumerate(frames):
        sampler = _greedy(model)
        length = int(_token_lengths(model, np.array(count)))
        if len(step_progress(length, sampler.full_length_steps)) == LEFT_EARLY_STEPS:
            sampler = replace(sampler, steps=1)
        lengths_B = np.array([length])
        size = (model.places, len(model.columns))
        filled_BLP = model.fill(
            masks.masked_grid(lengths_B, *size, model.vocabulary),
            all_cells(lengths_B, *size),
            lengths_B,
            reference.text(row + 1, first=row),
            sampler=sampler,
            noises=[Noise(0)],
        )
        rows.append(filled_BLP)
    return np.concatenate(rows)


def _edited(reference: Reference) -> IntArray:
    """Tokens (B, L, P) with the upper column filled again."""
    model = reference.upper
    frames_B = reference["upper/edit/lengths"]
    grid_BLP, lengths_B = _encoded(model, reference["upper/edit/pose_in"], frames_B)
    cells_BLP = all_cells(lengths_B, model.places, len(model.columns))
    mask_BLP = only_parts(cells_BLP, [UPPER])
    return _fill(reference, model, grid_BLP, mask_BLP, lengths_B)


def _fill(
    reference: Reference,
    model: MotionModel,
    grid_BLP: IntArray,
    mask_BLP: BoolArray,
    lengths_B: IntArray,
) -> IntArray:
    return model.fill(
        grid_BLP,
        mask_BLP,
        lengths_B,
        reference.text(len(grid_BLP)),
        sampler=_greedy(model),
        noises=_unused(grid_BLP),
    )


def _encoded(
    model: MotionModel, features_BTC: AnyArray, frames_B: IntArray
) -> tuple[IntArray, IntArray]:
    """Token grids of clips, each encoded at its own length, and their motion tokens."""
    lengths_B = _token_lengths(model, frames_B)
    grid_BLP = masks.masked_grid(lengths_B, model.places, len(model.columns), model.vocabulary)
    for row_LP, features_TC, frames in zip(grid_BLP, features_BTC, frames_B, strict=True):
        tokens_LP = model.encode(features_TC[: int(frames)])
        row_LP[: len(tokens_LP)] = tokens_LP
    return grid_BLP, lengths_B


def _poses(
    model: MotionModel, tokens_BLP: IntArray, frames_B: IntArray, expected_BTC: AnyArray
) -> Outcome:
    """Each clip decoded at its own length; what the reference holds behind it is zero."""
    decoded_BTC = np.zeros_like(expected_BTC)
    lengths = _token_lengths(model, frames_B).tolist()
    for row_TC, tokens_LP, length in zip(decoded_BTC, tokens_BLP, lengths, strict=True):
        features_TC = model.decode(tokens_LP[:length])
        row_TC[: len(features_TC)] = features_TC
    return compare_values(decoded_BTC, expected_BTC)


def _token_lengths(model: MotionModel, frames_B: IntArray) -> IntArray:
    return -(-frames_B // model.tokenizer_config.frames_per_token)


def _greedy(model: MotionModel) -> SamplerConfig:
    return replace(sampler_config(model.tokenizer_config), greedy=True)


def _unused(rows: Sequence[AnyArray] | AnyArray) -> list[Noise]:
    """Greedy sampling draws nothing."""
    return [Noise(0) for _ in rows]
