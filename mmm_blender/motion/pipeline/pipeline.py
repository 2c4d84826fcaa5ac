"""A prompt becomes a clip: the one entry that the worker and the tools use.

B batch, L token places, P columns of the grid, T frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...common.arrays import IntArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.conditions import FREE_ENDS, Ends
from ...geometry.editing.limb_pins import Pin, pin_limbs
from ...geometry.ground_path import GroundPath
from ..config import SamplerConfig
from ..loaded_bundle import Bundle, load_with_text
from ..runtime.opening import CPU
from ..sampling.sampler import Cancelled
from ..text import TextEncoder
from .decoding import decode_tokens, finished
from .edit import EditRequest, EditResult, edit_motion
from .looping import LoopJob, make_loop
from .path_following import (
    PathJob,
    ends_seconds,
    follow,
    hands_note,
    path_tokens,
    source_clip,
    wanted_seconds,
)
from .previews import Decode, Previews, hook_of
from .request_validation import check_prompt, check_seconds, check_seed, replayed_tokens
from .sequence import SequenceRequest, SequenceResult, generate_sequence
from .sequence_ends import sequence_with_ends
from .start_end import Wanted, held_edit
from .tries import Ask, Tried, obedient_tokens
from .windows import IsCancelled, OnStep, WindowFiller

__all__ = [
    "Cancelled",
    "EditRequest",
    "EditResult",
    "GenerateRequest",
    "GenerateResult",
    "MotionPipeline",
    "SequenceRequest",
    "SequenceResult",
]


@dataclass(frozen=True, eq=False)
class GenerateRequest:
    """What is wanted. seconds: length of the clip; sampler: None for the bundle's own; fps: rate of
    the clip, 0 for the layout's. tokens_LP: of an earlier result, which is then decoded again
    without sampling.

    path: that the root takes; the clip stands on it, may be longer than the bundle's longest, and
    takes as long as its own pace wants where ``seconds`` is 0 and the path has no times. ends: how
    the motion begins and ends. pins: targets of hands, feet and head.

    loop: the motion is to go round, free of all of these; the clip ends with its first frame, a
    round later. loop_span: of an earlier result that is made again.
    """

    prompt: str
    seconds: float
    seed: int = 0
    sampler: SamplerConfig | None = None
    fps: float = 0.0
    pin_feet: bool = True
    tokens_LP: IntArray | None = None
    path: GroundPath | None = None
    ends: Ends = FREE_ENDS
    pins: tuple[Pin, ...] = ()
    loop: bool = False
    loop_span: tuple[int, int] | None = None

    @property
    def plain(self) -> bool:
        """A prompt and a length, nothing to be met."""
        return self.path is None and self.ends.free and not self.loop


@dataclass(frozen=True, eq=False)
class GenerateResult:
    """The clip and what it takes to make it again. notes: sentences for the person.
    loop_span, seam: of a loop, as ``looping.LoopMade`` says."""

    clip: MotionClip
    tokens_LP: IntArray
    sampler: SamplerConfig
    seed: int
    notes: tuple[str, ...] = ()
    loop_span: tuple[int, int] | None = None
    seam: float | None = None


class MotionPipeline:
    """A loaded bundle with its text encoder. Equal requests give equal clips on the CPU."""

    def __init__(self, bundle: Bundle, text_encoder: TextEncoder) -> None:
        self.bundle = bundle
        self.config = bundle.config
        self.model = bundle.model
        self.text_encoder = text_encoder
        if text_encoder.width != self.config.transformer.text_width:
            raise MMMError(
                f"The weights folder {bundle.folder.name} wants text features of "
                f"{self.config.transformer.text_width} numbers and its text encoder gives "
                f"{text_encoder.width}: use the encoder that the weights were trained with."
            )

    @classmethod
    def load(
        cls, bundle: Path, device: str = CPU, library: str = "", threads: int = 0
    ) -> MotionPipeline:
        """Read a bundle and its text encoder; MMMError says what is wrong with it.

        library, threads: see ``loaded_bundle.load_bundle``.
        """
        return cls(*load_with_text(bundle, device, library, threads))

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
        return self.model.networks.parameters

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
            "edits": list(self.model.editable_parts),
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
        previews: Previews | None = None,
    ) -> GenerateResult:
        """One clip; MMMError for a request that cannot be met, Cancelled when asked to stop."""
        if request.plain:
            return self.generate_batch([request], on_step, cancelled, previews)[0]
        check_prompt(request.prompt)
        check_seed(request.seed)
        filler = self._filler(request.sampler, on_step, cancelled, previews)
        if request.loop:
            return self._loop(request, filler)
        if request.ends.free:
            return self._on_path(request, filler)
        return self._with_ends(request, filler, previews)

    def generate_batch(
        self,
        requests: Sequence[GenerateRequest],
        on_step: OnStep | None = None,
        cancelled: IsCancelled | None = None,
        previews: Previews | None = None,
    ) -> list[GenerateResult]:
        """Several clips at once, with their own lengths and seeds but one sampler."""
        if not requests:
            return []
        for request in requests:
            self._check(request)
        if not all(request.plain for request in requests):
            raise ValueError("motions with a path or with ends are made one by one")
        samplers = {request.sampler or self.config.sampler for request in requests}
        if len(samplers) != 1:
            raise MMMError("The clips of one batch need the same sampler settings: split it.")
        filler = self._filler(samplers.pop(), on_step, cancelled)
        if previews is not None:
            filler = previews.of(filler, self._decoder(requests[0]))
        given = [self._replayed(request) for request in requests]
        fresh = zip(requests, given, strict=True)
        sampled = self._sampled([request for request, tokens in fresh if tokens is None], filler)
        tried = [next(sampled) if each is None else Tried(each) for each in given]
        return [
            self._result(request, filler.sampler, each)
            for request, each in zip(requests, tried, strict=True)
        ]

    def edit(
        self,
        request: EditRequest,
        on_step: OnStep | None = None,
        cancelled: IsCancelled | None = None,
        previews: Previews | None = None,
    ) -> EditResult:
        """A part of a motion regenerated; see ``edit.edit_motion``."""
        return edit_motion(self._filler(request.sampler, on_step, cancelled), request, previews)

    def sequence(
        self,
        request: SequenceRequest,
        on_step: OnStep | None = None,
        cancelled: IsCancelled | None = None,
        previews: Previews | None = None,
    ) -> SequenceResult:
        """Several prompts in a row as one motion; see ``sequence.generate_sequence``."""
        filler = self._filler(request.sampler, on_step, cancelled, previews)
        if not request.ends.free:
            return sequence_with_ends(filler, request, self.config)
        if previews is not None and request.path is None:
            filler = previews.of(filler, lambda tokens_LP: decode_tokens(self.model, tokens_LP))
        return generate_sequence(filler, request, self.config)

    def frames(self, seconds: float) -> int:
        """Frames of a clip that lasts so long, at the layout's rate."""
        return max(1, round(seconds * self.config.tokenizer.feature_layout.fps))

    def _tokens(self, seconds: float) -> int:
        """Motion tokens of a clip that lasts so long."""
        return -(-self.frames(seconds) // self.config.tokenizer.frames_per_token)

    def _filler(
        self,
        sampler: SamplerConfig | None,
        on_step: OnStep | None,
        cancelled: IsCancelled | None,
        previews: Previews | None = None,
    ) -> WindowFiller:
        how = sampler or self.config.sampler
        filler = WindowFiller(self.model, self.text_encoder, how, on_step, cancelled)
        return replace(filler, on_grid=hook_of(previews))

    def _decoder(self, request: GenerateRequest) -> Decode:
        """What the first clip of a grid's tokens is, before it is finished."""
        places, frames = self._tokens(request.seconds), self.frames(request.seconds)
        return lambda tokens_LP: decode_tokens(self.model, tokens_LP[:places], frames)

    def _sampled(
        self, requests: Sequence[GenerateRequest], filler: WindowFiller
    ) -> Iterator[Tried]:
        """Tokens of each clip, sampled in one batch, and again where a prompt is not obeyed."""
        asks = [
            Ask(
                request.prompt,
                self._tokens(request.seconds),
                request.seed,
                self.frames(request.seconds),
                request.pin_feet,
            )
            for request in requests
        ]
        return iter(obedient_tokens(filler, asks))

    def _replayed(self, request: GenerateRequest) -> IntArray | None:
        """The tokens that the request gives."""
        if request.tokens_LP is None:
            return None
        shape = (self._tokens(request.seconds), len(self.model.columns))
        return replayed_tokens(request.tokens_LP, shape, self.model.vocabulary.codes)

    def _result(
        self, request: GenerateRequest, sampler: SamplerConfig, tried: Tried
    ) -> GenerateResult:
        tokens_LP = tried.tokens_LP
        decoded = decode_tokens(self.model, tokens_LP, self.frames(request.seconds))
        clip, notes = finished(decoded, request.fps, request.pin_feet)
        met = pin_limbs(clip, request.pins)
        said = tried.notes + notes + met.notes
        return GenerateResult(met.clip, tokens_LP, sampler, request.seed, said)

    def _on_path(self, request: GenerateRequest, filler: WindowFiller) -> GenerateResult:
        """A motion on a path, of any length."""
        assert request.path is not None
        job = PathJob(request.prompt, request.path, request.seconds, request.seed)
        seconds = wanted_seconds(job)
        if request.tokens_LP is None:
            tokens_LP = path_tokens(filler, job)
        else:
            shape = (len(request.tokens_LP), len(self.model.columns))
            tokens_LP = replayed_tokens(request.tokens_LP, shape, self.model.vocabulary.codes)
        source = source_clip(filler, tokens_LP, request.fps)
        on_path = follow(source, request.path, seconds, request.pin_feet)
        met = pin_limbs(on_path.clip, request.pins)
        notes = on_path.notes + met.notes
        if request.tokens_LP is None:
            notes = hands_note(filler, job, met.clip) + notes
        return GenerateResult(met.clip, tokens_LP, filler.sampler, request.seed, notes)

    def _loop(self, request: GenerateRequest, filler: WindowFiller) -> GenerateResult:
        """A motion that goes round."""
        check_seconds(request.seconds, self.config)
        if request.path is not None or not request.ends.free or request.pins:
            raise MMMError(
                "A loop keeps to no path, no pins, no start and no end: turn Loop or these off."
            )
        fps = request.fps or self.config.tokenizer.feature_layout.fps
        job = LoopJob(
            request.prompt,
            request.seconds,
            request.seed,
            fps,
            request.pin_feet,
            request.tokens_LP,
            request.loop_span,
        )

        def sample(seeds: Sequence[int], seconds: float) -> Iterator[IntArray]:
            tries = [replace(request, seed=seed, seconds=seconds) for seed in seeds]
            once = filler.part(0, 2).once  # a loop has tries of its own
            return (each.tokens_LP for each in self._sampled(tries, once))

        made = make_loop(filler.part(1, 2), self.config, job, sample)
        return GenerateResult(
            made.clip,
            made.tokens_LP,
            filler.sampler,
            request.seed,
            made.notes,
            made.loop_span,
            made.seam,
        )

    def _with_ends(
        self, request: GenerateRequest, filler: WindowFiller, previews: Previews | None
    ) -> GenerateResult:
        """A motion that sets out from a pose, or ends standing."""
        fps = request.fps or self.config.tokenizer.feature_layout.fps
        seconds = ends_seconds(request.seconds, request.path)
        if request.path is None:
            check_seconds(seconds, self.config)
        wanted = Wanted(
            request.prompt,
            max(2, round(seconds * fps)),
            fps,
            request.seed,
            filler.sampler,
            request.pin_feet,
            request.path,
            request.pins,
        )
        held = held_edit(wanted, request.ends)
        shown = previews if held.placed else None
        asked = replace(held.request, tokens_LP=request.tokens_LP)
        made = edit_motion(filler, asked, shown, -held.frames.start / fps)
        clip = held.cut(made)
        return GenerateResult(clip, made.tokens_LP, made.sampler, request.seed, made.notes)

    def _check(self, request: GenerateRequest) -> None:
        """MMMError with what to do, for everything that a person may get wrong."""
        check_prompt(request.prompt)
        check_seconds(request.seconds, self.config)
        check_seed(request.seed)
