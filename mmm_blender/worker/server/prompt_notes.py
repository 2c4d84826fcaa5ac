"""What of a message's prompts the bundle did not understand, found with its own text encoder."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...common.arrays import AnyArray
from ...motion.pipeline.pipeline import MotionPipeline
from ...motion.text import TextEncoder
from ...prompts.knowledge import Knowledge, Neighbour, read_knowledge
from ...prompts.sequence_plan import Limits, plan_sequence
from ...prompts.understanding import notes_on
from ..protocol import Edit, Generate, GenerateSequence, MotionMessage

_NEIGHBOURS = 2
_TINY = 1e-12
_LONGEST = 10_000  # pieces: more than any word has


def prompt_notes(generator: MotionPipeline, message: MotionMessage) -> tuple[str, ...]:
    """Sentences for the person; none of a replay, or of a bundle that says nothing of itself."""
    knowledge = read_knowledge(generator.bundle.folder)
    if knowledge is None or message.tokens_LP.size:
        return ()
    encoder = generator.text_encoder
    nearest = _nearest(encoder, generator.bundle.folder, knowledge)
    pieces_of = _pieces_of(encoder)
    notes = [
        note
        for prompt in _prompts(message)
        for note in notes_on(prompt, knowledge, nearest, pieces_of)
    ]
    if isinstance(message, Generate):
        notes += _too_many_parts(generator, message, knowledge)
    return tuple(dict.fromkeys(notes))


def _too_many_parts(
    generator: MotionPipeline, message: Generate, knowledge: Knowledge
) -> list[str]:
    """Where a script or a table asks one clip for what needs a sequence."""
    config = generator.config
    limits = Limits(config.min_seconds, config.max_seconds, config.composites)
    parts = plan_sequence(message.prompt, message.seconds, limits, knowledge.is_whole)
    if not parts:
        return []
    return [f"One clip does not hold these {len(parts)} actions: make a sequence of them."]


def _prompts(message: MotionMessage) -> tuple[str, ...]:
    match message:
        case GenerateSequence():
            return message.prompts
        case Generate() | Edit():
            return (message.prompt,)


def _nearest(
    encoder: TextEncoder, folder: Path, knowledge: Knowledge
) -> Callable[[str], Neighbour]:
    """Known actions by the cosine of their sentences."""

    def nearest(prompt: str) -> Neighbour:
        prompts = tuple(each.prompt for each in knowledge.prompts)
        if not prompts:
            return Neighbour((), 0.0)
        known_NC = _embedded_all(encoder, folder, prompts)
        scores_N = known_NC @ _embedded(encoder, (prompt,))[0]
        best_M = np.argsort(-scores_N, kind="stable")[:_NEIGHBOURS]
        verbs = tuple(knowledge.prompts[at].verb for at in best_M.tolist())
        return Neighbour(verbs, float(scores_N[best_M[0]]))

    return nearest


@lru_cache(maxsize=1)
def _embedded_all(encoder: TextEncoder, _folder: Path, prompts: tuple[str, ...]) -> AnyArray:
    """Of all that is known, once for a bundle."""
    return _embedded(encoder, prompts)


def _embedded(encoder: TextEncoder, prompts: tuple[str, ...]) -> AnyArray:
    """Sentence vectors of length 1 (N, C)."""
    sentence_NC = encoder.encode(prompts).sentence_BC
    return sentence_NC / np.maximum(np.linalg.norm(sentence_NC, axis=-1, keepdims=True), _TINY)


def _pieces_of(encoder: TextEncoder) -> Callable[[str], int] | None:
    """How many pieces the encoder cuts a word into; None where it does not say."""
    tokenizer = getattr(encoder, "tokenizer", None)
    encode = getattr(tokenizer, "encode", None)
    if encode is None:
        return None
    return lambda word: len(encode(word, _LONGEST)) - 2  # without the marks of start and end
