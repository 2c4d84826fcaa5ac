"""Which parts of a prompt follow each other, and how long each is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_blender.prompts.sequence_plan import (
    Limits,
    length_note,
    natural_seconds,
    plan_sequence,
    sequence_note,
)
from mmm_blender.prompts.splitting import split_prompt
from mmm_blender.prompts.verbs import ING, PAST, THIRD, verb_form

WHOLE = (
    "a person walks forward",
    "a person walks forward and waves",
    "a person moves forward and to the left",
    "someone raises both hands",
    "a person jumps up and down",
    "a person walks and turns left",
    "while walking, a person waves",
    "a person walks forward, waving",
    "a person walks while waving and singing",
    "a man walks slowly, tired and sad",
    "an elderly man walks, arms hanging down",
    "a person waves hello, the left hand is up",
    "walking and waving",
    "first a walk",
    "forward and to the left, slowly",
    "",
    "  ",
    ", then",
)

SPLIT = {
    "a person walks forward, then waves": ("a person walks forward", "a person waves"),
    "a person walks then waves": ("a person walks", "a person waves"),
    "a tired man walks and then sits down": ("a tired man walks", "a tired man sits down"),
    "walks forward, turns around and walks back": ("walks forward", "turns around", "walks back"),
    "a person walks, turns left, and waves with both hands": (
        "a person walks",
        "a person turns left",
        "a person waves with both hands",
    ),
    "walking forward, then waving": ("walking forward", "waving"),
    "a person is walking, then waving": ("a person is walking", "a person is waving"),
    "walk forward, wave, bow": ("walk forward", "wave", "bow"),
    "a person walks before bowing": ("a person walks", "a person is bowing"),
    "after waving, a person bows": ("a person is waving", "a person bows"),
    "someone first walks, then runs": ("someone walks", "someone runs"),
    "a person walks. Then he bows.": ("a person walks", "a person bows"),
    "she dances; after that, she bows": ("she dances", "she bows"),
    "a person walks to the left, then to the right": (
        "a person walks to the left",
        "a person walks to the right",
    ),
    "a person walks and waves, then bows": ("a person walks and waves", "a person bows"),
    "a person walked forward, then waved": ("a person walked forward", "a person waved"),
}


@pytest.mark.parametrize("prompt", WHOLE)
def test_what_happens_at_once_stays_together(prompt: str):
    assert split_prompt(prompt) == (prompt,)


@pytest.mark.parametrize("prompt", SPLIT)
def test_what_follows_each_other_is_cut(prompt: str):
    assert split_prompt(prompt) == SPLIT[prompt]


SUBJECTS = st.sampled_from(
    ["a person", "someone", "an old man", "a tired young woman", "the actor"]
)
VERBS = st.sampled_from(
    [
        "walks forward and to the left",
        "raises both hands",
        "jumps up and down",
        "turns around",
        "waves with the left hand",
        "slowly bows",
        "takes four steps",
        "runs in a circle",
    ]
)
THENS = st.sampled_from([", then ", " and then ", " then ", ", after that ", "; then ", ". Then "])


@given(SUBJECTS, st.lists(VERBS, min_size=1, max_size=5), THENS)
def test_actions_joined_by_then_come_back_with_their_subject(
    subject: str, verbs: list[str], then: str
):
    parts = split_prompt(f"{subject} {then.join(verbs)}")
    assert parts == tuple(f"{subject} {verb}" for verb in verbs)


@given(SUBJECTS, st.lists(VERBS, min_size=2, max_size=5))
def test_a_list_of_actions_comes_back_in_order(subject: str, verbs: list[str]):
    parts = split_prompt(f"{subject} {', '.join(verbs[:-1])}, and {verbs[-1]}")
    assert parts == tuple(f"{subject} {verb}" for verb in verbs)


@given(SUBJECTS, VERBS, VERBS, st.sampled_from([" and ", " while he "]))
def test_no_and_cuts_a_sentence(subject: str, first: str, second: str, join: str):
    prompt = f"{subject} {first}{join}{second}"
    assert split_prompt(prompt) == (prompt,)


@given(st.text(max_size=200))
def test_any_text_is_cut_into_parts_that_are_not_cut_again(text: str):
    parts = split_prompt(text)
    assert parts
    if len(parts) > 1:
        assert all(part.strip() for part in parts)


@pytest.mark.parametrize(
    ("word", "form"),
    [("walks", THIRD), ("running", ING), ("waved", PAST), ("carries", THIRD), ("lying", ING),
     ("hand", ""), ("ran", PAST), ("left", ""), ("hopping", ING)],
)  # fmt: skip
def test_a_verb_is_known_in_its_forms(word: str, form: str):
    assert verb_form(word) == form


OLD, NEW = Limits(composites=False), Limits(composites=True)


def test_two_parts_are_left_to_weights_that_know_them():
    prompt = "a person walks forward, then waves"
    assert plan_sequence(prompt, 4, NEW) == ()
    assert [part.prompt for part in plan_sequence(prompt, 4, OLD)] == list(SPLIT[prompt])


def test_three_parts_or_too_long_ones_become_a_sequence():
    assert len(plan_sequence("a person walks, then bows, then waves", 4, NEW)) == 3
    long = plan_sequence("a person walks for eight seconds, then dances", 4, NEW)
    assert [part.seconds for part in long] == [8, 4]


def test_what_was_taught_as_it_stands_is_never_cut():
    assert plan_sequence("walks, turns left, bows", 4, NEW, lambda prompt: True) == ()
    assert plan_sequence("a person walks and waves", 4, OLD) == ()


@given(
    st.lists(VERBS, min_size=2, max_size=6),
    st.floats(0.2, 60),
    st.floats(0.5, 2),
    st.floats(2, 10),
)
def test_every_part_lasts_as_long_as_one_clip_can(
    verbs: list[str], seconds: float, least: float, most: float
):
    parts = plan_sequence(f"a person {', then '.join(verbs)}", seconds, Limits(least, most))
    assert len(parts) == len(verbs)
    assert all(least <= part.seconds <= most for part in parts)


def test_more_seconds_are_shared_and_told_ones_stay():
    parts = plan_sequence("a person waits for 3 seconds, then walks, then runs", 15, OLD)
    assert [part.seconds for part in parts] == [3, 6, 6]
    assert sequence_note(parts) == "Becomes a sequence of 3 prompts: 3 + 6 + 6 s."
    assert sequence_note(()) == ""


def test_what_is_counted_has_its_time():
    assert length_note("a person takes two steps", 4) == (
        "What it counts takes about 1.5 s: set the seconds to that."
    )
    for prompt, seconds in (("a person walks", 9), ("takes six steps", 4), ("waits 2 seconds", 2)):
        assert length_note(prompt, seconds) == ""


@pytest.mark.parametrize(
    ("prompt", "seconds", "told"),
    [("walks for 2.5 seconds", 2.5, True), ("takes four steps", 2.6, True),
     ("walks a meter", 1.25, True), ("walks", 4, False), ("knits", 3, False)],
)  # fmt: skip
def test_how_long_it_takes_is_said_or_usual(prompt: str, seconds: float, told: bool):
    assert natural_seconds(prompt) == (pytest.approx(seconds), told)
