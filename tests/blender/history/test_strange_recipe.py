"""Recipes that a stranger wrote: every one is read, or refused in a sentence that can be shown."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.history.recipe import parse_recipe, recipe_text
from mmm_blender.blender.history.recipe_store import RECIPE_PROPERTY, load_recipe
from mmm_blender.common.array_text import pack
from mmm_blender.common.errors import MMMError
from tests.blender.history.test_recipe import RECIPE, STEPS, Recipe

SURROGATE = "\ud800"

STRANGE: list[tuple[int, str, object]] = [
    *[(0, "prompt", value) for value in (SURROGATE, "a\0", "x" * 20_000, 3, None, [], {})],
    *[(0, "seconds", value) for value in (1e9, -1, 0, "4", None, [], True)],
    *[(0, "fps", value) for value in (1e5, 0, -24, 1e300, "24", True)],
    *[(0, "start_frame", value) for value in (10**9, -(10**9), 2**62, 1.5, "1")],
    *[(0, "seed", value) for value in (-1, 1.5, "1", [])],
    *[(0, "kind", value) for value in (3, [], {}, None, "steal", SURROGATE)],
    *[(0, "placement", value) for value in ({}, {"x": "1"}, {"x": 1, "z": 2, "yaw": 1e300}, [])],
    *[(0, "tokens", value) for value in (3, [], "\ud800", None)],
    *[(0, "origin", value) for value in ({}, [], None, 3)],
    *[(1, "prompts", value) for value in ([], ["a"], [SURROGATE, "b"], [1, 2], "ab", {})],
    *[(2, "part", value) for value in ("head", "ALL", 3, [], {})],
    *[(2, "held", value) for value in ({"head": 3}, {"nose": [1]}, {"head": ["a"]}, {"head": {}})],
    *[(2, "held", value) for value in ({"head": [1e300]}, {"head": [True, None]}, [])],
    *[(2, "replaced", value) for value in ({"a": 3}, {"a": ["x"]}, {"a": [1, 2]}, [])],
    *[(2, "hand", value) for value in ({}, [], {"bones": [SURROGATE], "curves": {}}, None)],
    *[(2, "first", value) for value in (10**9, 13, "1", 1.5)],
    *[(3, "index", value) for value in (-1, 10**9, "1", 1.5)],
    *[(3, "shift", value) for value in (10**9, "1")],
]


def changed(at: int, name: str, value: object) -> str:
    content = json.loads(recipe_text(Recipe(STEPS)))
    content["steps"][at][name] = value
    return json.dumps(content)


@pytest.mark.parametrize(("at", "name", "value"), STRANGE)
def test_a_field_of_another_kind_or_range_is_one_sentence(at: int, name: str, value: object):
    with pytest.raises(MMMError) as caught:
        parse_recipe(changed(at, name, value))
    sentence = str(caught.value)
    sentence.encode()
    assert sentence.startswith("The Action's recipe") and len(sentence) < 400


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        '{"version": ' + "9" * 5_000 + "}",
        '{"version": "\\ud800"}',
        '{"version": 2, "steps": ' + json.dumps([{}] * 20_000) + "}",
        '{"version": 2, "steps": [{"kind": ["generate"]}]}',
        '{"version": 2, "\\ud800": 1, "steps": []}',
        '{"version": 1, "\\ud800": 1}',
        "\ud800",
        "\0",
        "null",
    ],
)
def test_a_text_that_is_no_recipe_is_one_sentence(text: str):
    with pytest.raises(MMMError) as caught:
        parse_recipe(text)
    str(caught.value).encode()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("value", [3, 2.5, [1, 2], {"a": 1}, True])
def test_a_property_that_is_no_text_is_one_sentence(value: object):
    action = bpy.data.actions.new("Action")
    action[RECIPE_PROPERTY] = value
    with pytest.raises(MMMError, match="damaged"):
        load_recipe(action)


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from([pack(np.zeros(3)), "walk", "all"])
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner)
)


_BIG = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@settings(max_examples=300, deadline=None, suppress_health_check=_BIG)
@given(st.data(), VALUES)
def test_any_value_in_any_field_is_read_or_refused(data: st.DataObject, value: Any):
    content = json.loads(recipe_text(Recipe(STEPS)))
    step = data.draw(st.sampled_from(content["steps"]))
    step[data.draw(st.sampled_from(sorted(step)))] = value
    try:
        parse_recipe(json.dumps(content))
    except MMMError as error:
        str(error).encode()


def test_what_we_write_is_read():
    assert parse_recipe(recipe_text(RECIPE)) == RECIPE
