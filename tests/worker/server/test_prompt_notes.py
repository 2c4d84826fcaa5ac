"""The worker says what it did not understand, with the motion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmm_blender.motion.bundles.bundle import add_file, read_config
from mmm_blender.motion.pipeline.pipeline import MotionPipeline
from mmm_blender.prompts.knowledge import (
    KNOWLEDGE_FILE,
    Knowledge,
    KnownGroup,
    KnownPrompt,
    to_bytes,
)
from mmm_blender.worker import protocol as p
from mmm_blender.worker.server.handlers import make_motion
from mmm_blender.worker.server.prompt_notes import prompt_notes
from tests.worker.tiny_bundle import save_tiny_bundle

KNOWN = Knowledge(
    (KnownGroup("Locomotion", (KnownPrompt("a person walks", "walks", 9),)),),
    {"person": 9, "walks": 9, "walk": 9, "run": 9},
    most_pieces=6,
)
MESSAGE = p.Generate("a person walks", 1.0)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_bundle(tmp_path_factory.mktemp("bundles") / "plain")


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> MotionPipeline:
    folder = save_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")
    add_file(folder, read_config(folder), KNOWLEDGE_FILE, to_bytes(KNOWN))
    return MotionPipeline.load(folder)


def test_a_known_prompt_is_not_spoken_of(generator: MotionPipeline) -> None:
    assert prompt_notes(generator, MESSAGE) == ()


def test_the_note_comes_with_the_motion(
    generator: MotionPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmm_blender.prompts.understanding.UNDERSTOOD", 1.1)  # nothing is near
    message = replace(MESSAGE, prompt="a person zzz")
    made = make_motion(generator, message, lambda _step, _steps: None, lambda: False)
    assert made.notes[0] == "Never seen: 'zzz'. Nearest: 'walks'."


def test_each_note_of_a_sequence_is_said_once(generator: MotionPipeline) -> None:
    message = p.GenerateSequence(("wlaks", "a person walks", "wlaks"), (1.0,) * 3, (0,) * 3)
    assert prompt_notes(generator, message) == ("Did you mean 'walks'?",)


def test_pieces_count_and_not_words(generator: MotionPipeline) -> None:
    (note,) = prompt_notes(generator, replace(MESSAGE, prompt="a person walks walks walks"))
    assert "Nothing after 'walks' (word 4) is read" in note


def test_a_replay_and_a_bundle_that_says_nothing_have_no_notes(
    generator: MotionPipeline, plain: Path
) -> None:
    tokens = np.zeros((5, 2), dtype=np.int64)
    message = replace(MESSAGE, prompt="ein Mann geht")
    assert prompt_notes(generator, message)
    assert prompt_notes(generator, replace(message, tokens_LP=tokens)) == ()
    assert prompt_notes(MotionPipeline.load(plain), message) == ()
