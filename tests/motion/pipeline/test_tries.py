"""A prompt that is not obeyed is tried again, and the person is told where that does not help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.edit_mask import span_mask
from mmm_blender.geometry.ground_path import GroundPath
from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.pipeline import edit_tokens, path_following, tries
from mmm_blender.motion.pipeline.candidates import candidate_seeds
from mmm_blender.motion.pipeline.obedience import MET, Verdict
from mmm_blender.motion.pipeline.pipeline import EditRequest, GenerateRequest, SequenceRequest
from mmm_blender.motion.runtime.opening import ONNX, TORCH
from mmm_blender.prompts.claims import Claims
from tests.geometry.motions import smooth_clip
from tests.motion.tiny_models import tiny_generator

ONE = SamplerConfig(steps=2)
FOUR = replace(ONE, claim_tries=4)
WAVE = "a person waves with the left hand"
NEVER = Verdict(0.0, ("a wave",))


def asked(seed: int, sampler: SamplerConfig = FOUR, prompt: str = WAVE) -> GenerateRequest:
    return GenerateRequest(prompt, 2.0, seed, sampler)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[MotionClip]]:
    """Makes the judge say these verdicts, the last one for ever; gives what it saw."""

    def install(*verdicts: Verdict) -> list[MotionClip]:
        left, seen = list(verdicts), list[MotionClip]()

        def verdict_on(claims: Claims, clip: MotionClip) -> Verdict:
            if not claims:
                return MET
            seen.append(clip)
            return left.pop(0) if len(left) > 1 else left[0]

        for module in (tries, edit_tokens, path_following):
            monkeypatch.setattr(module, "verdict_on", verdict_on)
        return seen

    return install


Judged = Callable[..., list[MotionClip]]


def test_the_first_try_that_shows_all_is_taken(judged: Judged) -> None:
    generator = tiny_generator("two parts")
    alone = [generator.generate(asked(s, ONE)).tokens_LP for s in candidate_seeds(7, 4)]
    for number in range(4):
        seen = judged(*[NEVER] * number, MET)
        made = generator.generate(asked(7))
        assert np.array_equal(made.tokens_LP, alone[number]) and len(seen) == number + 1
        assert not made.notes and made.seed == 7 and made.sampler == FOUR


def test_where_none_shows_all_the_one_is_taken_that_shows_most(judged: Judged) -> None:
    generator = tiny_generator("two parts")
    judged(NEVER, Verdict(0.5, ("a bow",)), Verdict(0.5, ("a bow",)), NEVER)
    made = generator.generate(asked(7))
    second = generator.generate(asked(candidate_seeds(7, 2)[1], ONE))
    assert np.array_equal(made.tokens_LP, second.tokens_LP)
    note = "It did not come to a bow in 4 tries: try another seed or other words."
    assert made.notes[0] == note


def test_plain_words_are_taken_where_the_own_ones_never_do_and_only_if_they_show_all(
    judged: Judged,
) -> None:
    generator = tiny_generator("two parts")
    request = asked(7, prompt="both arms go up in joy")
    plain = "a person raises both hands"
    wanted = generator.generate(asked(candidate_seeds(7, 2)[1], ONE, plain)).tokens_LP
    judged(*[NEVER] * 5, MET)
    made = generator.generate(request)
    assert np.array_equal(made.tokens_LP, wanted)
    assert [plain in note for note in made.notes] == [True]

    judged(*[NEVER] * 5, Verdict(0.5, ("a wave",)))
    own = generator.generate(request)
    assert np.array_equal(
        own.tokens_LP, generator.generate(replace(request, sampler=ONE)).tokens_LP
    )
    assert [plain in note for note in own.notes] == [False]


def test_a_prompt_without_a_claim_and_a_sampler_without_tries_are_left_alone(
    judged: Judged,
) -> None:
    seen = judged(NEVER)
    generator = tiny_generator("two parts")
    for request in (asked(7, ONE), asked(7, prompt="a person laughs")):
        assert not generator.generate(request).notes
    assert not seen


def test_each_clip_of_a_batch_has_its_own_tries(judged: Judged) -> None:
    generator = tiny_generator("two parts")
    requests = [asked(1), asked(2, prompt="laughs"), asked(3), asked(4)]
    alone = [generator.generate(replace(each, sampler=ONE)).tokens_LP for each in requests]
    third = [generator.generate(asked(s, ONE)).tokens_LP for s in candidate_seeds(3, 4)]
    judged(MET, NEVER, MET, NEVER, NEVER, MET)  # clips 1, 3, 4, then three tries of clip 3
    made = generator.generate_batch(requests)
    for at in (0, 1, 3):
        assert np.array_equal(made[at].tokens_LP, alone[at])
    assert np.array_equal(made[2].tokens_LP, third[3])


@pytest.mark.parametrize("library", [ONNX, TORCH])
def test_both_libraries_take_the_same_try_and_a_replay_takes_none(
    judged: Judged, library: str, needs_torch: None
) -> None:
    judged(NEVER, MET)
    generator = tiny_generator("two parts", library)
    made = generator.generate(asked(7))
    wanted = tiny_generator("two parts").generate(asked(candidate_seeds(7, 2)[1], ONE))
    assert np.array_equal(made.tokens_LP, wanted.tokens_LP)
    seen = judged(NEVER)
    again = generator.generate(replace(asked(7), tokens_LP=made.tokens_LP))
    assert not seen and not again.notes
    assert again.clip.rotations_TJ4.tobytes() == made.clip.rotations_TJ4.tobytes()


def test_prompts_of_a_sequence_are_tried_by_themselves(judged: Judged) -> None:
    generator = tiny_generator("two parts")
    judged(MET, NEVER)
    made = generator.sequence(SequenceRequest((WAVE, "a person bows"), (2.0, 2.0), (1, 2), 0, FOUR))
    assert made.notes[0].startswith("Prompt 2: It did not come to a wave in 4 tries")
    inner = made.tokens_LP[:8]
    alone = generator.generate(asked(1, ONE)).tokens_LP[:8]
    assert np.array_equal(inner, alone)


def test_an_arm_over_a_kept_body_is_tried_again(judged: Judged) -> None:
    generator = tiny_generator("two parts")
    walk = smooth_clip(80, seed=3)
    seen = judged(NEVER, NEVER, MET, NEVER, MET)
    request = EditRequest(walk, span_mask(80, 20, 60, "upper"), WAVE, 4, sampler=FOUR)
    made = generator.edit(request)
    assert made.sampler.candidates == 4 and len(seen) == 5 and not made.notes
    assert all(clip.frames == 40 for clip in seen)
    third = replace(request, seed=candidate_seeds(4, 3)[2], sampler=replace(ONE, candidates=1))
    assert np.array_equal(made.tokens_LP, generator.edit(third).tokens_LP)
    seen = judged(*[NEVER] * 5, MET, NEVER, NEVER, MET)
    made = generator.edit(request)  # none of four shows it, so there are four more
    assert len(seen) == 9 and not made.notes
    sixth = replace(third, seed=candidate_seeds(4, 6)[5])
    assert np.array_equal(made.tokens_LP, generator.edit(sixth).tokens_LP)
    judged(NEVER)
    assert "in 8 tries" in generator.edit(request).notes[0]
    seen = judged(NEVER)
    assert not generator.edit(replace(request, prompt="a person walks forward")).notes
    assert not seen


def test_hands_on_a_path_are_judged_with_the_way(judged: Judged) -> None:
    generator = tiny_generator("two parts")
    path = GroundPath.of([(0.0, 0.0), (0.0, 2.0)])
    seen = judged(NEVER)
    made = generator.generate(replace(asked(7), path=path))
    assert "It did not come to a wave in 12 tries" in made.notes[0] and len(seen) > 12


def test_who_took_the_steps_that_were_counted_stands_then(judged: Judged) -> None:
    generator = tiny_generator("two parts")
    judged(MET)
    counted = GenerateRequest("a person takes two steps", 4.0, 7, FOUR)
    made = generator.generate(counted).tokens_LP
    own = 5  # 2 x 0.55 s + 0.4 s, without the step that it takes to stand
    alone = generator.generate(replace(counted, seconds=1.0, sampler=ONE)).tokens_LP
    assert np.array_equal(made[:own], alone)
    assert np.array_equal(made, generator.generate(counted).tokens_LP)
    walked_on = generator.generate(replace(counted, sampler=ONE)).tokens_LP
    assert not np.array_equal(made[:own], walked_on[:own])
    assert len(made) == len(walked_on) == 20
