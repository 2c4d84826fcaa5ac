"""What is counted and measured is told in words only where it is sure."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest

from mmm_blender.training.data.captions import caption, facts_of
from mmm_blender.training.data.count_words import count_words, turn_name
from mmm_blender.training.data.label_phrases import label_phrase, lacks_verb, third_person
from mmm_blender.training.data.measured import Measured
from mmm_blender.training.data.motion_file import ClipRecord

WALK = Measured(
    forward=3.0, speed=1.0, distance=3.0, reach=3.0, steps=4, seconds=3.0,
    left_hand_speed=0.9, right_hand_speed=0.9, hand_speed=0.9,
)  # fmt: skip


def record(content: str, measured: Measured, source: str = "bandai") -> ClipRecord:
    return ClipRecord("n", "t", source, content, "normal", "", 60, measured)


def captions(of: ClipRecord, mirrored: bool = False) -> set[str]:
    rng = random.Random(0)
    return {caption(of, rng, mirrored) for _ in range(400)}


def counts(measured: Measured) -> dict[str, str]:
    """In one wording: no digits, no "about"."""

    class Plain(random.Random):
        def random(self) -> float:
            return 0.99

    return count_words(measured, Plain(0))


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (WALK, {"steps": "four steps", "seconds": "three seconds", "way": "forward"}),
        (replace(WALK, steps=1), {"steps": "one step"}),
        (replace(WALK, turn=92.0), {"quarter": "left"}),
        (replace(WALK, turn=-178.0), {"half": "right"}),
        (replace(WALK, turn=350.0), {"full": "left"}),
        (replace(WALK, left_waves=2), {"times": "twice"}),
        (replace(WALK, right_waves=3), {"times": "three times"}),
        (replace(WALK, forward=0.0, left=-3.0), {"way": "to the right"}),
        (replace(WALK, forward=-3.0), {"way": "backward"}),
    ],
)
def test_words_for_what_is_known(measured: Measured, words: dict[str, str]) -> None:
    told = counts(measured)
    assert {name: told[name] for name in words} == words


def test_what_is_not_sure_has_no_words() -> None:
    told = counts(replace(WALK, steps=14, distance=2.5, seconds=3.5, turn=130.0, forward=2.0))
    assert told == {}
    assert "meters" not in counts(replace(WALK, distance=0.5))
    assert turn_name(60.0) == "" and turn_name(-90.0) == "quarter"


def test_counts_are_told_in_a_share_of_captions_and_true() -> None:
    told = captions(record("walk", WALK))
    steps = {text for text in told if re.search(r"\b(four|4) steps\b", text)}
    assert 0.05 * len(told) < len(steps) < 0.6 * len(told)
    assert any("three meters" in text or "three metres" in text for text in told)
    assert any("three seconds" in text for text in told)
    others = r"\b(one|two|five|six|1|2|5|6) (steps?|meters?|metres?|seconds?)\b"
    assert not [text for text in told if re.search(others, text)]


def test_a_counted_turn_changes_sides_in_the_mirror() -> None:
    turning = record("walk-turn-left", replace(WALK, turn=91.0, forward=2.0, left=2.0))
    assert any("quarter turn to the left" in text for text in captions(turning))
    assert not any("left" in text for text in captions(turning, mirrored=True))


def test_not_is_said_only_where_nothing_moves() -> None:
    assert not any("without" in t and "arm" in t for t in captions(record("walk", WALK)))
    quiet = replace(WALK, left_hand_speed=0.1, right_hand_speed=0.2, hand_speed=0.2)
    assert any("without moving the arms" in text for text in captions(record("walk", quiet)))
    still = Measured(seconds=9.0, hand_speed=0.05, left_hand_speed=0.05, right_hand_speed=0.02)
    stands = captions(record("stand", still, "reactidle"))
    assert any("stands still" in text for text in stands)
    assert any("nine seconds" in text for text in stands)
    restless = replace(still, hand_speed=0.6, left_hand_speed=0.6, reach=0.1)
    told = captions(record("stand", restless, "reactidle"))
    assert not any("still" in text or "not move" in text for text in told)
    assert any("shifts the weight" in text for text in told)
    assert facts_of(Measured()) & {"still", "quiet arms", "no step"} == set()  # not measured


def test_one_hand_alone() -> None:
    waves = Measured(
        left_hand=0.4, hand_speed=2.0, left_hand_speed=2.0, right_hand_speed=0.1, left_waves=3,
        seconds=4.0,
    )  # fmt: skip
    told = captions(record("wave-left-hand", waves))
    assert any("three times" in text for text in told)
    assert any("only with the left hand" in text for text in told)
    rest = {re.sub(r" without moving (the|their) right arm", "", text) for text in told}
    assert not any("right" in text for text in rest)
    assert not any(text.endswith("arm over the head") for text in told if "without" in text)


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("walk, turn around", ("walks and turns around", "walking and turning around")),
        ("Walking", ("walks", "walking")),
        ("basketball - catch, dribble, jump", ("catches, dribbles and jumps", None)),
        ("carry suitcase (2 subjects)", ("carries suitcase", "carrying suitcase")),
        ("Story", ("does story", "doing story")),
    ],
)
def test_labels_become_verb_phrases(label: str, told: tuple[str, str | None]) -> None:
    verb, ing = label_phrase(label)
    assert verb == told[0]
    assert told[1] is None or ing == told[1]
    assert lacks_verb(label) == (label == "Story")


def test_third_persons() -> None:
    verbs = ("walk", "carry", "go", "catch", "play", "pass", "box")
    theirs = ["walks", "carries", "goes", "catches", "plays", "passes", "boxes"]
    assert [third_person(verb) for verb in verbs] == theirs
