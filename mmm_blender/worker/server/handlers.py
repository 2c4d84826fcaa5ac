"""A message that wants a motion, made with a generator and answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ...common.arrays import IntArray
from ...common.errors import MMMError
from ...common.schema import from_json, to_json
from ...geometry.clip import MotionClip
from ...geometry.editing.conditions import Conditions
from ...geometry.editing.edit_mask import EditMask
from ...motion.config import SamplerConfig
from ...motion.pipeline.pipeline import (
    EditRequest,
    GenerateRequest,
    GenerateResult,
    MotionPipeline,
    SequenceRequest,
)
from ...motion.pipeline.previews import Previews
from ...motion.pipeline.windows import IsCancelled, OnStep
from ..protocol import Edit, Generate, GenerateSequence, MotionMessage
from .prompt_notes import prompt_notes


@dataclass(frozen=True, eq=False)
class Motion:
    """What a Generated says of a motion. params: what was asked for, as plain values."""

    clip: MotionClip
    tokens_LP: IntArray
    sampler: SamplerConfig
    params: dict[str, Any]
    notes: tuple[str, ...]
    ground_move: tuple[float, ...] = (0.0, 0.0, 0.0)


def make_motion(
    generator: MotionPipeline,
    message: MotionMessage,
    on_step: OnStep,
    cancelled: IsCancelled,
    previews: Previews | None = None,
) -> Motion:
    """The motion that a message wants, with notes on its prompt; MMMError or Cancelled as the
    generator raises them."""
    motion = _made(generator, message, _Hooks(on_step, cancelled, previews))
    return replace(motion, notes=(*prompt_notes(generator, message), *motion.notes))


class _Hooks(NamedTuple):
    """What hears of the steps of a motion, in the order in which the generator takes them."""

    on_step: OnStep
    cancelled: IsCancelled
    previews: Previews | None


def _made(generator: MotionPipeline, message: MotionMessage, hooks: _Hooks) -> Motion:
    match message:
        case Generate():
            return _generate(generator, message, hooks)
        case Edit():
            return _edit(generator, message, hooks)
        case GenerateSequence():
            return _sequence(generator, message, hooks)


def make_batch(
    generator: MotionPipeline,
    messages: Sequence[Generate],
    on_step: OnStep,
    cancelled: IsCancelled,
    previews: Previews | None = None,
) -> list[Motion]:
    """Motions of prompts without conditions, in one go."""
    requests = [_generate_request(generator, message) for message in messages]
    made = generator.generate_batch(requests, on_step, cancelled, previews)
    motions = (_generated(each, result) for each, result in zip(messages, made, strict=True))
    return [
        replace(motion, notes=(*prompt_notes(generator, message), *motion.notes))
        for message, motion in zip(messages, motions, strict=True)
    ]


def _generate(generator: MotionPipeline, message: Generate, hooks: _Hooks) -> Motion:
    request = _generate_request(generator, message)
    return _generated(message, generator.generate(request, *hooks))


def _generate_request(generator: MotionPipeline, message: Generate) -> GenerateRequest:
    asked = Conditions.from_json(message.conditions)
    return GenerateRequest(
        message.prompt,
        message.seconds,
        message.seed,
        _sampler(generator, message.sampler),
        message.fps,
        message.pin_feet,
        _given(message.tokens_LP),
        path=asked.path,
        ends=asked.ends,
        pins=asked.pins,
        loop=message.loop,
        loop_span=_loop_span(message.loop_span),
    )


def _generated(message: Generate, made: GenerateResult) -> Motion:
    params: dict[str, Any] = {
        "prompt": message.prompt,
        "seconds": message.seconds,
        "seed": message.seed,
    }
    if made.loop_span is not None:
        params |= {"loop_span": list(made.loop_span), "seam": made.seam}
    return Motion(made.clip, made.tokens_LP, made.sampler, params, made.notes)


def _edit(generator: MotionPipeline, message: Edit, hooks: _Hooks) -> Motion:
    asked = _within(message.conditions)
    request = EditRequest(
        *_clip_and_mask(message),
        message.prompt,
        message.seed,
        _sampler(generator, message.sampler),
        message.pin_feet,
        message.moves_after,
        _given(message.tokens_LP),
        path=asked.path,
        pins=asked.pins,
    )
    made = generator.edit(request, *hooks)
    params = {
        "prompt": message.prompt,
        "seed": message.seed,
        "moves_after": message.moves_after,
        "arrival_mps": made.remainder_mps,
    }
    return Motion(made.clip, made.tokens_LP, made.sampler, params, made.notes, made.ground_move)


def _clip_and_mask(message: Edit) -> tuple[MotionClip, EditMask]:
    try:
        clip = MotionClip(message.rotations_TJ4, message.root_T3, message.fps)
        mask = EditMask(message.mask_TJ != 0, message.mask_root_T != 0)
    except ValueError as error:
        raise MMMError(f"The motion cannot be edited ({error}): choose another range.") from error
    if mask.frames != clip.frames:
        raise MMMError(
            f"The motion has {clip.frames} frames and the mask {mask.frames}: choose the range "
            "again."
        )
    return clip, mask


def _sequence(generator: MotionPipeline, message: GenerateSequence, hooks: _Hooks) -> Motion:
    asked = Conditions.from_json(message.conditions)
    request = SequenceRequest(
        message.prompts,
        message.seconds,
        message.seeds,
        message.fps,
        _sampler(generator, message.sampler),
        message.pin_feet,
        _given(message.tokens_LP),
        path=asked.path,
        pins=asked.pins,
        ends=asked.ends,
    )
    made = generator.sequence(request, *hooks)
    params = {
        "prompts": list(message.prompts),
        "seconds": list(message.seconds),
        "seeds": list(message.seeds),
    }
    return Motion(made.clip, made.tokens_LP, made.sampler, params, made.notes)


def _within(conditions: dict[str, Any]) -> Conditions:
    """Conditions of a motion whose ends are not free to choose."""
    asked = Conditions.from_json(conditions)
    if not asked.ends.free:
        raise MMMError("Only a new motion starts and ends as asked: generate one.")
    return asked


def _loop_span(frames: tuple[int, ...]) -> tuple[int, int] | None:
    """Frames of an earlier loop, None where the message gives none."""
    if not frames:
        return None
    if len(frames) != 2:  # first and stop
        raise MMMError("The loop's recipe is damaged: make the loop again.")
    return frames[0], frames[1]


def _given(tokens_LP: IntArray) -> IntArray | None:
    """Tokens to be decoded again, None where the message gives none."""
    return tokens_LP if tokens_LP.size else None


def _sampler(generator: MotionPipeline, changes: dict[str, Any] | None) -> SamplerConfig | None:
    """The bundle's sampler with some fields changed, None for no change."""
    if changes is None:
        return None
    return from_json(
        SamplerConfig, to_json(generator.config.sampler) | changes, "The sampler's settings"
    )
