"""Goals of what is obeyed, with the first try alone beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.pipeline.pipeline import GenerateRequest
from mmm_blender.training.evaluation.sentence_report import (
    ONCE,
    PROMPTS_ONCE,
    UPPER,
    UPPER_ONCE,
    sentence_goals,
    sentence_tables,
)
from mmm_blender.training.evaluation.sentence_suite import ALL, OneTry
from mmm_blender.training.evaluation.sentences import STILL
from tests.motion.tiny_models import tiny_generator

REPORT = {
    "sentences": {STILL: {ALL: 0.9, "a person stands still": 1.0}},
    ONCE: {STILL: {ALL: 0.6, "a person stands still": 0.5}},
    UPPER: {"left": 0.8},
    UPPER_ONCE: {"left": 0.7},
    "prompts": {"bows": 1.0},
    PROMPTS_ONCE: {"bows": 0.95},
}


def test_one_try_stands_beside_all() -> None:
    goals = {goal.name: goal for goal in sentence_goals(REPORT)}
    assert goals[f"obeyed: {STILL}"].beside == "one try 0.60"
    assert goals["obeyed: UPPER waves over a walk, left"].beside == "one try 0.70"
    assert goals["obeyed: the worst direction"].beside == "bows, one try 0.95"
    assert "| a person stands still | 100% | 50% |" in "\n".join(sentence_tables(REPORT))
    assert not sentence_goals({"sentences": REPORT["sentences"]})[2].beside


def test_one_try_is_the_first_of_several() -> None:
    generator = tiny_generator("two parts")
    sampler = SamplerConfig(steps=2, claim_tries=1)
    generator.config = replace(generator.config, sampler=replace(sampler, claim_tries=4))
    try:
        asked = GenerateRequest("a person waves with the left hand", 2.0, 3)
        (once,) = OneTry(generator).generate_batch([asked])
        alone = generator.generate(replace(asked, sampler=sampler))
    finally:
        tiny_generator.cache_clear()
    assert once.sampler == sampler and not once.notes
    assert np.array_equal(once.tokens_LP, alone.tokens_LP)
