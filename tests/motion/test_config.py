"""Configs are exact in JSON and refuse what they do not know."""

import json
from typing import Any

import pytest

from mmm_blender.geometry.errors import MMMError
from mmm_blender.motion.config import (
    BundleConfig,
    SamplerConfig,
    TokenizerConfig,
    TransformerConfig,
    Vocabulary,
    from_json,
    to_json,
)

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
        ({"latent_kernel": 2}, "kernels"),
    ],
)
def test_a_wrong_entry_is_named(change: dict[str, Any], named: str):
    with pytest.raises(MMMError, match=named):
        from_json(TokenizerConfig, to_json(TokenizerConfig()) | change)


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
    assert config.receptive_field_frames <= 0.5 * config.feature_layout.fps
