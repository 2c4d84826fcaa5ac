"""What a bundle is said to know, from the clips that it was trained with."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmm_blender.motion.bundles.bundle import add_file, read_config
from mmm_blender.motion.loaded_bundle import load_bundle
from mmm_blender.prompts.knowledge import KNOWLEDGE_FILE, read_knowledge, to_bytes
from mmm_blender.training.text.bundle_knowledge import bundle_knowledge, group_of, known_prompts
from tests.motion.conftest import FakeTextEncoder
from tests.training import judges
from tests.worker.tiny_bundle import save_tiny_bundle


def test_prompts_are_grouped_with_the_clips_behind_them():
    records, _ = judges.material()
    knowledge = bundle_knowledge(records)
    found = {group.name: [p.verb for p in group.prompts] for group in knowledge.groups}
    assert set(found["Locomotion"]) == {"walks", "runs", "dashes forward"}
    assert "raises the left hand" in found["Gestures"]
    assert "angry person" in " ".join(found["Manners"])
    assert all(p.clips == 14 for g in knowledge.groups for p in g.prompts if g.name != "Manners")
    assert knowledge.words["walks"] > 0
    assert not knowledge.near


def test_composites_are_listed_where_they_were_taught():
    records, _ = judges.material()
    names = [group.name for group in bundle_knowledge(records, composites=True).groups]
    assert "Two at once, or in a row" in names


def test_the_encoder_finds_neighbours_for_words_that_no_caption_had():
    records, _ = judges.material()
    near = bundle_knowledge(records, FakeTextEncoder()).near
    verbs = {prompt.verb for prompt in known_prompts(records)}
    assert "walks" not in near
    assert set(near["crawls"].verbs) <= verbs
    assert "furiously" in near
    assert all(-1 <= each.score <= 1 for each in near.values())


@pytest.mark.parametrize(
    ("verb", "group"),
    [("runs", "Locomotion"), ("waves goodbye", "Gestures"), ("dances", "Dance"),
     ("drinks", "Everyday"), ("jumps", "Sports"), ("stands", "Standing")],
)  # fmt: skip
def test_a_phrase_has_a_group(verb: str, group: str):
    assert group_of(verb) == group


def test_knowledge_is_a_hashed_file_of_its_bundle(tmp_path: Path):
    folder = save_tiny_bundle(tmp_path / "tiny")
    records, _ = judges.material()
    knowledge = bundle_knowledge(records)
    add_file(folder, read_config(folder), KNOWLEDGE_FILE, to_bytes(knowledge))
    assert read_knowledge(folder) == knowledge
    assert KNOWLEDGE_FILE in load_bundle(folder).config.files
