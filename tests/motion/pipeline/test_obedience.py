"""Whether a motion shows what a prompt claims, in motions that are made up."""

from __future__ import annotations

import pytest

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.motion.pipeline.obedience import MET, Verdict, unmet_note, verdict_on
from mmm_blender.prompts.claims import A_STRAIGHT_WAY, claims_of, whole_claims
from mmm_blender.training.evaluation.judge_rates import after
from tests.geometry.feet.test_foot_locking import standing as stands_in_place
from tests.training.evaluation.test_deeds import standing, waving

WAVE = claims_of("a person waves with the left hand")
BOTH = claims_of("a person walks forward and waves with the left hand")
ROW = claims_of("a person walks forward, then waves with the left hand")


def share(claims: str, clip: MotionClip) -> float:
    return verdict_on(claims_of(claims), clip).share


def test_a_wave_is_of_that_hand() -> None:
    assert verdict_on(WAVE, waving(standing(), "left")) == MET
    told = verdict_on(WAVE, waving(standing(), "right"))
    assert told.share == 0 and told.unmet == ("a wave with the left hand",)
    assert share("someone waves", waving(standing(), "right")) == 1
    assert share("someone waves", standing()) == 0


def test_two_deeds_at_once_are_met_by_halves() -> None:
    walk = standing(3.0)
    assert verdict_on(BOTH, waving(walk, "left")) == MET
    assert verdict_on(BOTH, walk).unmet == ("a wave with the left hand",)
    apart = verdict_on(BOTH, after(walk, waving(standing(), "left")))
    assert 0.5 < apart.share < 1 and not apart.unmet
    note = "walking forward and a wave with the left hand at once in 4 tries"
    assert note in unmet_note(BOTH, apart, 4)[0]


def test_two_deeds_in_a_row_have_their_order() -> None:
    walk, wave = standing(3.0), waving(standing(), "left")
    assert verdict_on(ROW, after(walk, wave)) == MET
    wrong = verdict_on(ROW, after(wave, walk))
    assert wrong.share < 1 and wrong.unmet
    at_once = verdict_on(ROW, waving(walk, "left"))
    assert at_once.share < 1
    note = "walking forward before a wave with the left hand in 8 tries"
    assert note in unmet_note(ROW, at_once, 8)[0]


@pytest.mark.parametrize("clip", [waving(standing(), "left"), standing(2.0)])
def test_who_waves_or_glides_does_not_stand_still(clip: MotionClip) -> None:
    assert share("a person stands still", clip) == 0
    assert share("a person stands still", stands_in_place(40, 20.0)) == 1


def test_steps_count_the_more_the_nearer() -> None:
    none = stands_in_place(40, 20.0)
    few, many = (share(f"a person takes {n} steps", none) for n in ("one", "six"))
    assert 0 < many < few < 1


def test_what_is_met_or_had_one_try_is_not_told() -> None:
    assert unmet_note(WAVE, MET, 4) == ()
    assert unmet_note(WAVE, verdict_on(WAVE, standing()), 1) == ()
    assert verdict_on((), standing()) == MET
    assert verdict_on(WAVE, standing().slice(0, 2)) == MET


def test_a_walk_that_turns_gets_a_note_of_its_own() -> None:
    turning = Verdict(0.5, (A_STRAIGHT_WAY.words,))
    assert "give it a path" in unmet_note(whole_claims("an old man walks"), turning, 8)[0]
