"""The steps of tools/evaluate.py: each gives one part of the report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.motion.features.smpl import decode_features, encode_clip

from ...common.arrays import AnyArray, FloatArray
from ...common.errors import MMMError
from ...geometry.deeds.facts import Facts
from ...motion.pipeline.pipeline import GenerateRequest, MotionPipeline
from ..data.dataset import TRAIN, UNSEEN_STYLES, UNSEEN_TAKES, Example, split_of
from ..data.motion_facts import CHECKS, PROMPTS
from ..data.motion_file import ClipRecord, load_motions
from .copying import nearest_distances, query_of
from .evaluator import Evaluator
from .field_table import Figures, Fillers, Judged, figures_of, r_figures
from .goals import ratio
from .held_out import Window, make_windows
from .judge_rates import Captured, captured_by_deed
from .judging import MakesMotion, generate_all, nearest_by_text, reconstruct, requests_of
from .motion_figures import motion_figures
from .tokenizer_figures import clip_figures

REAL, RECONSTRUCTED, GENERATED = "real motion", "tokenizer reconstruction", "generated"
SHUFFLED, REAL_SHUFFLED = "generated, shuffled text", "real motion, shuffled text"
NEAREST = "nearest training clip by text"
HELD_OUT = (UNSEEN_TAKES, UNSEEN_STYLES)
TEST_SEED = 20_000  # far from the seeds that a person tries first


TWO_THREADS, WITH_CLAIM = "2 threads", "2 threads, with a claim"
SPEEDS = ((1, 1, "1 thread"), (2, 1, TWO_THREADS), (2, 0, WITH_CLAIM))
"""Threads, tries for what the prompt claims (0: as the weights say), and the figure's name."""

COPIES_ASKED = 400  # motions of a row whose nearest training clip is looked for


@dataclass(frozen=True)
class Sizes:
    """How much is judged. windows: of each set, nine tenths of which make a repetition."""

    windows: int = 1112
    real_factor: int = 3  # real windows for each judged one: halves of them are to be as large
    prompt_seeds: int = 20  # of each of a check's five wordings, and of every sentence
    edits: int = 384
    moving: int = 96  # edits of clips that move, by themselves
    sequences: int = 8
    waves: int = 60  # captured clips of waving hands
    arrivals: int = 40  # edits inside locomotion, with a text and without each
    walks: int = 40  # whose paths are followed
    led: int = 12  # of these, finished as the panel does
    motions: int = 2048  # of a HumanML3D or KIT-ML folder


QUICK = Sizes(
    windows=160,
    prompt_seeds=2,
    edits=16,
    moving=16,
    sequences=2,
    waves=6,
    arrivals=4,
    walks=3,
    led=1,
    motions=160,
)


@dataclass(eq=False)
class Test:
    """One held-out set and what was made for it, by row."""

    name: str
    windows: Sequence[Window]
    judged: Judged
    clips: dict[str, list[MotionClip]] = field(default_factory=dict[str, list[MotionClip]])
    embedded: dict[str, FloatArray] = field(default_factory=dict[str, FloatArray])


@dataclass(frozen=True, eq=False)
class Material:
    """The prepared file, by split. known: training clips, not mirrored. captured: of any split by
    the deed that they are labelled with, for the judges of sentences."""

    held_out: Mapping[str, tuple[list[ClipRecord], list[MotionClip]]]
    known: list[Example]
    captured: Captured

    @property
    def unseen(self) -> tuple[list[ClipRecord], list[MotionClip]]:
        """Both held-out sets as one."""
        parts = self.held_out.values()
        return [r for part in parts for r in part[0]], [c for part in parts for c in part[1]]


def load_material(path: Path, evaluator: Evaluator) -> Material:
    """Read the data; MMMError where the evaluator has learnt from a held-out take."""
    held_out: dict[str, tuple[list[ClipRecord], list[MotionClip]]] = {
        name: ([], []) for name in HELD_OUT
    }
    known: list[Example] = []
    records, clips = load_motions(path)
    bar = tqdm(list(zip(records, clips, strict=True)), desc="training clips", mininterval=5)
    for record, clip in bar:
        split = split_of(record)
        if split == TRAIN:
            known.append(Example(record, False, encode_clip(clip).astype(np.float32)))
        else:
            held_out[split][0].append(record)
            held_out[split][1].append(clip)
    leaked = {r.take for rows, _ in held_out.values() for r in rows} & evaluator.trained_takes
    if leaked:
        raise MMMError(
            f"The evaluator was trained on {len(leaked)} of the held-out takes ({min(leaked)}, for "
            "one), so its figures would flatter: use the data and the split it was trained with."
        )
    return Material(held_out, known, captured_by_deed(zip(records, clips, strict=True)))


def make_test(name: str, material: Material, evaluator: Evaluator, sizes: Sizes) -> Test:
    """The windows of a held-out set, embedded."""
    records, clips = material.held_out[name]
    if not clips:
        raise MMMError(f"The data hold no clip of the set '{name}': prepare all sources.")
    windows = make_windows(records, clips, sizes.windows, TEST_SEED)
    features = {r.name: encode_clip(clip) for r, clip in zip(records, clips, strict=True)}
    count = sizes.windows * sizes.real_factor
    more = make_windows(records, clips, count, TEST_SEED + 1, with_text=False)
    judged = Judged(
        windows,
        evaluator.embed_text([window.text for window in windows]),
        evaluator.embed_motion([window.clip for window in windows]),
        more,
        evaluator.embed_motion(_pieces(more, features)),
    )
    test = Test(name, windows, judged, {REAL: [window.clip for window in windows]})
    test.embedded[REAL] = judged.real_NE
    return test


def _pieces(windows: Sequence[Window], features: Mapping[str, AnyArray]) -> list[AnyArray]:
    """Windows as pieces of their clips' features, which saves encoding each by itself."""
    return [features[w.name][w.start : w.start + w.clip.frames] for w in windows]


def add_made(
    test: Test, generator: MotionPipeline, evaluator: Evaluator, known: Sequence[Example]
) -> None:
    """The rows that a bundle and the training set give."""
    near = nearest_by_text(evaluator, test.judged.text_NE, known, TEST_SEED)
    pieces: list[AnyArray] = [
        known[at].features_TC[: window.clip.frames]
        for at, window in zip(near, test.windows, strict=True)
    ]
    test.embedded[NEAREST] = evaluator.embed_motion(pieces)
    bar = tqdm(test.windows, desc=RECONSTRUCTED, mininterval=5)
    test.clips[RECONSTRUCTED] = [reconstruct(generator.model, window.clip) for window in bar]
    requests = requests_of(test.windows, TEST_SEED)
    test.clips[GENERATED] = generate_all(generator, requests, f"generated, {test.name}")
    for row in (RECONSTRUCTED, GENERATED):
        test.embedded[row] = evaluator.embed_motion(test.clips[row])


def field_rows(test: Test, fill_from: Test | None = None) -> dict[str, Figures]:
    """All rows of the set's table; batches are filled up from another set, row by row."""

    def fillers(row: str) -> Fillers | None:
        return fill_from and Fillers(fill_from.judged, fill_from.embedded[row])

    rows = {
        row: figures_of(test.judged, test.embedded[row], TEST_SEED, fillers(row))
        for row in (REAL, RECONSTRUCTED, GENERATED, NEAREST)
        if row in test.embedded
    }
    for row, of in ((SHUFFLED, GENERATED), (REAL_SHUFFLED, REAL)):
        if of in test.embedded:
            rows[row] = r_figures(
                test.judged, test.embedded[of], TEST_SEED, fillers(of), shuffled=True
            )
    return rows


def eye_figures(test: Test) -> dict[str, dict[str, float]]:
    """Foot slide, floor, jerk, limits and contact of each row that has clips."""
    return {row: motion_figures(clips) for row, clips in test.clips.items()}


def tokenizer_figures(test: Test, source: str = "") -> dict[str, float]:
    """Means over windows (of takes of one source alone) of the reconstruction's errors; both clips
    start at the same place. Empty where there is none."""
    rows = [
        clip_figures(decode_features(encode_clip(window.clip)), made)
        for window, made in zip(test.windows, test.clips[RECONSTRUCTED], strict=True)
        if window.take.startswith(source)
    ]
    names = max(rows, key=len, default={})
    return {n: float(np.mean([row[n] for row in rows if n in row])) for n in names}


def copying_figures(test: Test, known: Sequence[Example]) -> dict[str, float]:
    """Median distance to the nearest two seconds of training, and the ratio to real motion's."""
    rows = {
        row: [query_of(clip) for clip in test.clips[row][:COPIES_ASKED]]
        for row in (REAL, GENERATED)
    }
    features = [example.features_TC for example in known]
    medians = {
        row: float(np.median(nearest_distances([q for q in asked if q is not None], features)))
        for row, asked in rows.items()
    }
    return medians | {"ratio": ratio(medians[GENERATED], medians[REAL])}


def prompt_figures(generator: MakesMotion, seeds: int, seconds: float = 4.0) -> dict[str, float]:
    """Share of clips that show what their prompt names, by check, over all its wordings."""
    asked = [(c, p, seed) for c, ps in PROMPTS.items() for p in ps for seed in range(seeds)]
    requests = [GenerateRequest(prompt, seconds, seed) for _, prompt, seed in asked]
    clips = generate_all(generator, requests, "prompts")
    obeyed: dict[str, list[bool]] = {}
    for (check, _, _), clip in zip(asked, clips, strict=True):
        obeyed.setdefault(check, []).append(CHECKS[check](Facts.of(clip)))
    return {check: float(np.mean(shown)) for check, shown in obeyed.items()}


def speed_figures(generator: MotionPipeline, repeats: int = 3) -> dict[str, float]:
    """Seconds for the longest clip, the fastest of a few, by threads: on an idle machine.

    By the library that runs the bundle, opened again for each number of threads. A prompt that
    claims what is then looked for may take more tries than one, and stands by itself.
    """
    figures: dict[str, float] = {}
    for count, tries, name in SPEEDS:
        timed = MotionPipeline.load(generator.bundle.folder, threads=count)
        sampler = replace(
            timed.config.sampler, claim_tries=tries or generator.config.sampler.claim_tries
        )
        request = GenerateRequest("a person walks forward", timed.max_seconds, 0, sampler)
        taken: list[float] = []
        for _ in range(repeats):
            started = time.perf_counter()
            timed.generate(request)
            taken.append(time.perf_counter() - started)
        figures[name] = min(taken)
    return figures
