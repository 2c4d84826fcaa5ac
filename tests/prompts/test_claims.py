"""What a prompt claims that can be measured, and what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.geometry.deeds.judges import JUDGES
from mmm_blender.prompts.claims import (
    A_STRAIGHT_WAY,
    DEED_NAMES,
    claims_of,
    hand_claims,
    plain_prompt,
    upper_claims,
    whole_claims,
)
from mmm_blender.training.evaluation.sentences import STILL_PROMPTS, THEN_PAIRS, then_asks


def told(prompt: str) -> list[list[str]]:
    """Names of the deeds of each part."""
    return [[claim.deed for claim in part] for part in claims_of(prompt)]


@pytest.mark.parametrize(
    ("prompt", "deeds"),
    [
        ("a person walks forward", ["walk"]),
        ("an old man walks", ["go"]),
        ("someone backs away", ["back"]),
        ("she steps back", ["back"]),
        ("a person walks backward slowly", ["back"]),
        ("he shuffles sideways to his left", ["left"]),
        ("someone steps to the right side", ["right"]),
        ("a person walks and turns left", ["go", "turn left"]),
        ("she walks and makes a right turn", ["go", "turn right"]),
        ("an old man walks in a curve to the left", ["turn left"]),
        ("a person turns around", ["turn around"]),
        ("jogging", ["run"]),
        ("a man jogs slowly", []),
        ("he lifts his right arm", ["raise right"]),
        ("he puts both hands in the air", ["raise both"]),
        ("someone waves", ["wave any"]),
        ("waving both arms happily", ["wave both"]),
        ("a man waves with the right hand while walking backward", ["wave right", "back"]),
        ("an elderly woman takes a bow", ["bow"]),
        ("a person stands and claps", ["stand"]),
        ("a person sits down and stands up", []),
        ("a person takes 3 quick steps back", ["steps"]),
        ("a person climbs 3 steps", []),
        ("a person walks up the stairs", []),
        ("someone walks on the spot", []),
        ("a man walks without moving the arms", ["go"]),
        ("a person is not walking", []),
        ("an exhausted man plods along", ["go"]),
        ("she dances", ["dance"]),
        ("hops on one leg", ["jump"]),
        ("he runs and jumps", ["run", "jump"]),
        ("a person does jumping jacks", []),
        ("both arms go up in joy", ["raise both"]),
        ("his left hand rises", ["raise left"]),
        ("a man throws his arms up", ["raise both"]),
        ("she goes up the hill", []),
        ("picks up a ball with the left hand", []),
        ("walks forward while walking backward", []),
        ("", []),
    ],
)
def test_a_prompt_claims_what_can_be_measured(prompt: str, deeds: list[str]) -> None:
    assert told(prompt) == ([deeds] if deeds else [])


@pytest.mark.parametrize("prompt", STILL_PROMPTS)
def test_who_does_nothing_else_stands_still(prompt: str) -> None:
    assert told(prompt) == [["still"]]


@pytest.mark.parametrize(
    ("prompt", "plain"),
    [
        ("both arms go up in joy", "a person raises both hands"),
        ("an old man plods along", "a person walks"),
        ("he takes two steps", "a person takes 2 steps"),
        (
            "a lady jogs and waves the left hand",
            "a person runs forward and waves with the left hand",
        ),
        ("a man bows, then walks ahead", "a person bows, then walks forward"),
        ("someone laughs", ""),
    ],
)
def test_plain_words_claim_the_same(prompt: str, plain: str) -> None:
    assert plain_prompt(claims_of(prompt)) == plain
    assert {each.deed for part in claims_of(plain) for each in part} == {
        each.deed for part in claims_of(prompt) for each in part
    }


def test_who_only_gestures_stays() -> None:
    assert [each.deed for each in whole_claims("he waves")[0]] == ["wave any", "stay"]
    for prompt in ("he waves, then walks forward", "he laughs", "he jumps"):
        assert whole_claims(prompt) == claims_of(prompt)


@pytest.mark.parametrize(
    ("prompt", "straight"),
    [
        ("an old lady walks", True),
        ("he walks and waves", True),
        ("jogging", True),
        ("walks in a circle", False),
        ("walks around", False),
        ("a girl turns to her right as she goes", False),
        ("he wanders", False),
        ("steps to the left", False),
    ],
)
def test_who_is_sent_on_goes_straight(prompt: str, straight: bool) -> None:
    assert (A_STRAIGHT_WAY in whole_claims(prompt)[0]) is straight


def test_two_parts_claim_in_order() -> None:
    for ask, pair in zip(then_asks(), THEN_PAIRS, strict=True):
        assert told(ask.prompt) == [[name] for name in pair]
    assert told("a person walks, then dances") == [["go"], ["dance"]]
    assert told("a person walks, turns around and walks back") == []


def test_steps_are_counted() -> None:
    counts = [claims_of(f"a person takes {n} steps")[0][0].count for n in ("two", "5", "900")]
    assert counts == [2, 5, 30]
    assert claims_of("someone walks one step")[0][0].words == "1 step"


def test_half_a_body_shows_its_own_half() -> None:
    claims = claims_of("a person walks forward and waves with the left hand")
    assert [each.deed for each in upper_claims(claims, True)[0]] == ["wave left"]
    assert [each.deed for each in upper_claims(claims, False)[0]] == ["walk"]
    assert hand_claims(claims) == upper_claims(claims, True)
    bow = claims_of("a person bows")
    assert hand_claims(bow) == () and upper_claims(bow, True) == bow
    assert upper_claims(claims_of("a person bows, then walks forward"), True) == ()


def test_every_deed_has_a_judge() -> None:
    assert set(JUDGES) == DEED_NAMES - {"steps"}


ODD = ["walk", "walks", "back", "a", "step", "steps", "3", "left", "turn", "hand", "not", "wave"]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(ODD)))
def test_no_prompt_is_too_odd(words: list[str]) -> None:
    claims = claims_of(" ".join(words))
    assert all(claim.deed in DEED_NAMES for part in claims for claim in part)
