from __future__ import annotations

import random

import pytest

from mmm_blender.training.captions import caption, mirror_text
from mmm_blender.training.motion_file import ClipRecord


def record(content: str, style: str, source: str = "bandai", label: str = "") -> ClipRecord:
    return ClipRecord("n", "t", source, content, style, label, 100)


def captions(of: ClipRecord, mirrored: bool = False) -> set[str]:
    rng = random.Random(0)
    return {caption(of, rng, mirrored) for _ in range(100)}


def test_a_label_has_many_wordings() -> None:
    assert len(captions(record("walk", "tired"))) > 40


def test_every_caption_of_a_style_tells_it() -> None:
    words = ("tired", "exhausted", "weary", "wearily", "tiredly", "exhaustion", "barely")
    assert all(any(word in text for word in words) for text in captions(record("run", "tired")))


def test_left_and_right_change_over_in_a_mirror() -> None:
    left = record("wave-left-hand", "normal")
    assert all("right" not in text for text in captions(left))
    assert all("left" not in text for text in captions(left, mirrored=True))
    assert mirror_text("the left hand, then right") == "the right hand, then left"
    assert mirror_text("leftover rights") == "leftover rights"


@pytest.mark.parametrize("label", ["walk", "basketball - dribble, shoot", "Run Jump Over"])
def test_cmu_labels_are_told(label: str) -> None:
    assert captions(record("cmu", "", "cmu", label))


def test_an_unknown_content_is_an_error() -> None:
    with pytest.raises(KeyError):
        captions(record("swims", "normal"))
