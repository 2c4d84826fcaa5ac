"""What tools/evaluate.py asks of a bundle: the field's tables, sentences, arrivals and paths."""

from __future__ import annotations

from typing import Any

from ...motion.pipeline.pipeline import MotionPipeline
from ..data.dataset import UNSEEN_TAKES
from .edit_suite import edit_figures, long_figures, moving_figures
from .evaluator import Evaluator
from .field_goals import CMU_TAKES, TOKENIZER_CMU
from .field_table import real_halves
from .goal_suite import ARRIVALS, LED, PATHS, arrival_rows, led_rows
from .held_out import make_windows
from .judge_rates import deed_rates, joined_rates, kind_rates
from .path_figures import path_figures, walks_to_follow
from .sentence_report import ONCE, PROMPTS_ONCE, UPPER, UPPER_ONCE
from .sentence_suite import (
    OneTry,
    sentence_figures,
    upper_figures,
    walks_of,
    wave_speed_figures,
)
from .suite import (
    HELD_OUT,
    TEST_SEED,
    Material,
    Sizes,
    Test,
    add_made,
    copying_figures,
    eye_figures,
    field_rows,
    make_test,
    prompt_figures,
    speed_figures,
    tokenizer_figures,
)


def _set_report(test: Test, fill_from: Test | None) -> dict[str, Any]:
    names = {window.name for window in test.windows}
    report: dict[str, Any] = {
        "windows": len(test.windows),
        "clips": len(names),
        "labels": len(set(test.judged.labels)),
        "real half to half": real_halves(test.judged, 0),
        "rows": field_rows(test, fill_from),
        "motion": eye_figures(test),
    }
    if "tokenizer reconstruction" in test.clips:
        report["tokenizer"] = tokenizer_figures(test)
        if alone := tokenizer_figures(test, CMU_TAKES):
            report[TOKENIZER_CMU] = alone
    return report


def field_report(
    generator: MotionPipeline | None, evaluator: Evaluator, material: Material, sizes: Sizes
) -> dict[str, Any]:
    """The field's figures, by part of the report."""
    tests: dict[str, Test] = {}
    report: dict[str, Any] = {"sets": {}}
    for name in (n for n in HELD_OUT if n == UNSEEN_TAKES or material.held_out[n][1]):
        tests[name] = make_test(name, material, evaluator, sizes)
        if generator:
            add_made(tests[name], generator, evaluator, material.known)
        fill_from = tests[UNSEEN_TAKES] if name != UNSEEN_TAKES else None
        report["sets"][name] = _set_report(tests[name], fill_from)
    if generator:
        windows = tests[UNSEEN_TAKES].windows
        unseen = material.held_out[UNSEEN_TAKES]
        report["editing"] = edit_figures(
            generator, evaluator, windows, sizes.edits
        ) | moving_figures(generator, evaluator, *unseen, sizes.moving)
        report["long sequences"] = long_figures(generator, windows, sizes.sequences)
        report["copying"] = copying_figures(tests[UNSEEN_TAKES], material.known)
        report["seconds for the longest clip"] = speed_figures(generator)
    return report


def sentence_report(
    generator: MotionPipeline | None, material: Material, sizes: Sizes
) -> dict[str, Any]:
    """What is obeyed of sentences, and how far their judges can be believed."""
    captured = material.captured
    rates = deed_rates(captured) | joined_rates(captured) | kind_rates(captured)
    report: dict[str, Any] = {"judges on captured motion": rates}
    if generator:
        records, clips = material.unseen
        once = OneTry(generator)
        report[PROMPTS_ONCE] = prompt_figures(once, sizes.prompt_seeds)
        report[ONCE] = sentence_figures(once, sizes.prompt_seeds)
        report["prompts"] = prompt_figures(generator, sizes.prompt_seeds)
        report["sentences"] = sentence_figures(generator, sizes.prompt_seeds)
        if "upper" in generator.model.editable_parts:
            walks = walks_of(records, clips, sizes.prompt_seeds)
            report[UPPER_ONCE] = upper_figures(once, walks, sizes.prompt_seeds)
            report[UPPER] = upper_figures(generator, walks, sizes.prompt_seeds)
        report["speed of waving hands"] = wave_speed_figures(generator, records, clips, sizes.waves)
    return report


def goal_report(generator: MotionPipeline, material: Material, sizes: Sizes) -> dict[str, Any]:
    """Whether edits arrive and paths are followed."""
    windows = make_windows(*material.held_out[UNSEEN_TAKES], sizes.windows, TEST_SEED)
    walks = walks_to_follow(*material.unseen, generator, sizes.walks)
    return {
        ARRIVALS: arrival_rows(generator, windows, sizes.arrivals),
        PATHS: path_figures(generator, walks),
        LED: led_rows(generator, walks[: sizes.led]),
    }
