"""Configs are exact in JSON and refuse what they do not know."""

import json
from typing import Any

import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.common.schema import from_json, to_json
from mmm_blender.motion.config import (
    BundleConfig,
    SamplerConfig,
    TokenizerConfig,
    TransformerConfig,
)
from mmm_blender.motion.vocabulary import Vocabulary

BUNDLE = BundleConfig(
    name="x",
    licence="CC0-1.0",
    tokenizer=TokenizerConfig(dilations=(9, 3, 1)),
    transformer=TransformerConfig(predicted_parts=("upper",)),
    sampler=SamplerConfig(steps=7, guidance=2.0),
    text={"kind": "student", "folder": "text"},
)


def test_json_round_trip_is_exact():
    assert from_json(BundleConfig, json.loads(json.dumps(to_json(BUNDLE)))) == BUNDLE


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"wdith": 3}, "wdith"),
        ({"width": "256"}, "width"),
        ({"width": True}, "width"),
        ({"width": 0}, "width"),
        ({"parts": []}, "parts"),
        ({"parts": ["lower", "lower"]}, "parts"),
        ({"parts": ["torso"]}, "'parts'.*torso"),
        ({"parts": ["all", "upper"]}, "'parts'"),
        ({"parts": ["upper"]}, "'parts'"),
        ({"latent_kernel": 2}, "kernels"),
        ({"dilations": [1, -1]}, "'dilations'.*1, -1"),
        ({"parts": ["all"], "upper_height_relative": True}, "upper_height_relative"),
        ({"layout": "smpl_999"}, "smpl_999"),
    ],
)
def test_a_wrong_entry_is_named(change: dict[str, Any], named: str):
    with pytest.raises(MMMError, match=named):
        from_json(TokenizerConfig, to_json(TokenizerConfig()) | change)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"dropout": 5.0}, "'dropout'.*not 5"),
        ({"dropout": 1.0}, "'dropout'"),
        ({"dropout": -0.1}, "'dropout'"),
        ({"dropout": float("nan")}, "'dropout'.*nan"),
        ({"cross_layers": -1}, "'cross_layers'"),
        ({"places": 1}, "'places'"),
        ({"width": 9, "heads": 3}, "'width' must be even.*not 9"),
    ],
)
def test_a_wrong_entry_of_the_transformer_is_named(change: dict[str, Any], named: str):
    with pytest.raises(MMMError, match=named):
        from_json(TransformerConfig, to_json(TransformerConfig()) | change)


@pytest.mark.parametrize(
    ("section", "change", "named"),
    [
        (
            "transformer",
            {"predicted_parts": ["torso"]},
            r"'predicted_parts'.*\(lower, upper\).*torso",
        ),
        ("transformer", {"predicted_parts": ["upper", "upper"]}, "'predicted_parts'"),
        ("transformer", {"trained_with_guidance": False}, "'guidance'"),
        (None, {"min_seconds": 0.0}, "'min_seconds'"),
        (None, {"min_seconds": float("nan")}, "'min_seconds'"),
        (None, {"min_seconds": 60.0}, "'min_seconds'.*9.8"),
        (None, {"files": {"a.safetensors": 3}}, "'files'.*a.safetensors"),
        (None, {"storage": "int4"}, "int4"),
    ],
)
def test_sections_that_do_not_fit_are_told(section: str | None, change: dict[str, Any], named: str):
    values = to_json(BUNDLE)
    (values[section] if section else values).update(change)
    with pytest.raises(MMMError, match=named):
        from_json(BundleConfig, values)


def test_a_missing_entry_is_named():
    values = to_json(BUNDLE)
    del values["licence"]
    with pytest.raises(MMMError, match=r"missing entries \(licence\)"):
        from_json(BundleConfig, values)


def test_a_nested_entry_is_named_with_its_place():
    values = to_json(BUNDLE)
    values["sampler"]["temprature"] = 1.0
    with pytest.raises(MMMError, match=r"sampler.*temprature"):
        from_json(BundleConfig, values)


@pytest.mark.parametrize("values", [None, [], "text", 3])
def test_what_is_no_object_is_refused(values: object):
    with pytest.raises(MMMError, match="JSON object"):
        from_json(SamplerConfig, values)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"guidance": float("inf")},
        {"schedule": "square"},
    ],
)
def test_sampler_settings_have_limits(wrong: dict[str, Any]):
    with pytest.raises(MMMError):
        SamplerConfig(**wrong)


def test_heads_must_divide_the_width():
    with pytest.raises(MMMError, match="heads"):
        TransformerConfig(width=100, heads=16)


def test_special_tokens_follow_the_codes():
    vocabulary = Vocabulary(8192)
    assert (vocabulary.end, vocabulary.pad, vocabulary.mask) == (8192, 8193, 8194)
    assert vocabulary.size == 8195


def test_the_longest_clip_of_the_published_sizes_is_196_frames():
    assert BUNDLE.max_seconds == pytest.approx(196 / 20)


def test_our_tokenizer_sees_half_a_second_to_either_side():
    config = TokenizerConfig()
    reach = max(config.encoder_reach_frames, config.decoder_reach_frames)
    assert reach <= 0.5 * config.feature_layout.fps
