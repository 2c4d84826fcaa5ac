from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.training.data import captions as module
from mmm_blender.training.data.captions import base_form, caption, facts_of, mirror_text
from mmm_blender.training.data.measured import Measured, measure
from mmm_blender.training.data.motion_file import ClipRecord
from tests.training.synthetic import walk_on_the_spot

WORDS: dict[str, Any] = tomllib.loads(
    Path(module.__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
FORWARD = Measured(forward=5.0, speed=1.1)
DRAWS = 150


def record(
    content: str,
    style: str,
    source: str = "bandai",
    label: str = "",
    measured: Measured | None = FORWARD,
) -> ClipRecord:
    return ClipRecord("n", "t", source, content, style, label, 100, measured)


def captions(of: ClipRecord, mirrored: bool = False, held_out: bool = False) -> set[str]:
    rng = random.Random(0)
    return {caption(of, rng, mirrored, held_out) for _ in range(DRAWS)}


def every_record() -> Iterator[ClipRecord]:
    shown = [FORWARD, Measured(-3, 2, 90, 0.3, 0.2, 0, 0), Measured(9, -2, -90, 5, 6, 0.5, 0.5)]
    for measured in shown:
        for at, content in enumerate(WORDS["contents"]):
            style = list(WORDS["styles"])[at % len(WORDS["styles"])]
            yield record(content, style, measured=measured)
            yield record(content, "normal", measured=measured)
        yield from (record("walk", style, measured=measured) for style in WORDS["styles"])
    yield from (record("cmu", "", "cmu", label) for label in WORDS["cmu"])


def held_out_wordings() -> set[str]:
    """Every phrase and word of the file under a key of that name."""
    phrases = [
        words
        for kind in ("contents", "cmu")
        for entry in WORDS[kind].values()
        for row in entry.get("held_out", [])
        for words in row[:2]
    ]
    single = [
        word
        for entry in (*WORDS["styles"].values(), *WORDS["paces"].values(), WORDS["people"])
        for key, words in entry.items()
        if key.startswith("held_out")
        for word in words
    ]
    return {*phrases, *single}


def test_a_label_has_many_wordings() -> None:
    assert len(captions(record("walk", "tired"))) > 80


def test_every_caption_of_a_style_tells_it() -> None:
    words = ("tired", "exhausted", "tiredly", "exhaustion", "worn out", "strength")
    assert all(any(word in text for word in words) for text in captions(record("run", "tired")))


def test_left_and_right_change_over_in_a_mirror() -> None:
    left = record("wave-left-hand", "normal")
    assert all("right" not in text for text in captions(left))
    assert all("left" not in text for text in captions(left, mirrored=True))
    assert mirror_text("the left hand, then right") == "the right hand, then left"
    assert mirror_text("leftover rights") == "leftover rights"


def test_no_held_out_wording_is_in_a_training_caption() -> None:
    rare = held_out_wordings()
    assert len(rare) > 100
    train = {text for one in every_record() for text in captions(one)}
    any_rare = re.compile(rf"\b(?:{'|'.join(map(re.escape, rare))})\b")
    assert not [text for text in train if any_rare.search(text)]
    pronouns = [text for text in train if text.split()[0] in ("he", "she", "we")]
    assert not pronouns


def test_a_held_out_caption_is_never_a_training_caption() -> None:
    for one in every_record():
        assert not captions(one) & captions(one, held_out=True)


def test_held_out_captions_tell_the_same_motion() -> None:
    for text in captions(record("wave-left-hand", "elderly"), mirrored=True, held_out=True):
        assert "right hand" in text
        assert "greet" in text or "wav" in text or "say" in text


@pytest.mark.parametrize(
    ("measured", "true", "untrue"),
    [
        (Measured(forward=4.0, speed=0.5), "slow", "fast"),
        (Measured(forward=4.0, speed=1.8), "fast", "slow"),
        (Measured(forward=4.0, speed=1.0), "forward", "left"),
        (Measured(forward=4.0, left=0.2, turn=3.0, speed=1.0), "straight", "quick"),
        (Measured(forward=4.0, left=2.0, turn=60.0, speed=1.0), "turns left", "straight"),
        (Measured(forward=0.1, speed=1.0), "walk", "forward"),
    ],
)
def test_speed_and_direction_are_said_only_where_true(
    measured: Measured, true: str, untrue: str
) -> None:
    told = captions(record("walk", "normal", measured=measured))
    assert any(true in text for text in told)
    assert not any(untrue in text for text in told)


def test_a_turn_that_a_piece_does_not_show_is_not_told() -> None:
    told = captions(record("walk-turn-left", "normal", measured=Measured(forward=2.0, speed=1.0)))
    assert not any("left" in text for text in told)


def test_a_ladder_is_climbed_the_way_that_the_piece_shows() -> None:
    def told(rise: float) -> set[str]:
        return captions(record("cmu", "", "cmu", "climb ladder", Measured(rise=rise)))

    assert any("up a ladder" in text for text in told(0.8))
    assert not any("down" in text for text in told(0.8))
    assert any("down a ladder" in text for text in told(-0.8))
    assert all("on a ladder" in text for text in told(0.0))


def test_a_hand_at_the_shoulder_is_told_and_a_high_one_too() -> None:
    low = replace(FORWARD, left_hand=-0.05)
    told = captions(record("raise-up-left-hand", "sad", measured=low))
    assert sum("shoulder" in text for text in told) > 0.6 * len(told)
    high = replace(FORWARD, left_hand=0.4)
    told = captions(record("raise-up-left-hand", "sad", measured=high))
    assert any("over the head" in text for text in told)
    assert not any("shoulder" in text for text in told)


def test_a_clip_without_measures_is_told_without_facts() -> None:
    told = captions(record("walk", "normal", measured=None))
    assert told
    assert not any(word in text for text in told for word in ("forward", "slow", "left", "right"))
    assert facts_of(None) == set()
    turned = captions(record("walk-turn-left", "normal", measured=None))
    assert all("left" in text for text in turned)


def test_what_is_measured_is_what_the_clip_does() -> None:
    clip = walk_on_the_spot(120)
    walked = MotionClip(
        clip.rotations_TJ4, clip.root_T3 + np.linspace(0, 1, 120)[:, None] * [1.5, 0.0, 3.0]
    )
    found = measure(walked)
    assert (found.forward, found.left) == (
        pytest.approx(3.0, abs=0.01),
        pytest.approx(1.5, abs=0.01),
    )
    assert found.turn == pytest.approx(np.degrees(2), abs=2)
    assert found.speed == pytest.approx(np.hypot(1.5, 3.0) / 6.0, abs=0.01)
    assert found.hand_speed > 0.1
    assert found.left_hand < 0
    mirrored = measure(walked.mirrored())
    assert (mirrored.left, mirrored.turn) == (-found.left, pytest.approx(-found.turn, abs=0.1))


@pytest.mark.parametrize(
    ("verb", "base"),
    [
        ("walks forward, then turns left", "walk forward, then turn left"),
        ("punches and strikes", "punch and strike"),
        ("goes up stairs", "go up stairs"),
        ("raises both hands", "raise both hands"),
        ("dances to music", "dance to music"),
        ("slashes with a sword", "slash with a sword"),
    ],
)
def test_orders_are_made_of_verbs(verb: str, base: str) -> None:
    assert base_form(verb) == base


@pytest.mark.parametrize(
    "label", ["walk", "basketball - dribble, shoot", "Run Jump Over", "Yoga/2"]
)
def test_cmu_labels_are_told(label: str) -> None:
    assert captions(record("cmu", "", "cmu", label))


def test_an_unknown_content_is_an_error() -> None:
    with pytest.raises(KeyError):
        captions(record("swims", "normal"))
