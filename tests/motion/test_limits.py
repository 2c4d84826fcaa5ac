"""What a bundle's config says of what it can make, read without its networks."""

import json
import subprocess
import sys
from typing import Any

import pytest

from mmm_blender.common.package import PACKAGE_FOLDER
from mmm_blender.common.schema import to_json
from mmm_blender.motion.config import BundleConfig, TokenizerConfig, TransformerConfig
from mmm_blender.motion.limits import BundleLimits, editable_parts, read_limits

CONFIG = BundleConfig(
    "tiny", "CC0", TokenizerConfig(codes=8, code_dim=4), TransformerConfig(places=50)
)


def saved(**changes: Any) -> dict[str, Any]:
    values = json.loads(json.dumps(to_json(CONFIG)))
    return values | changes


def test_written_limits_are_read() -> None:
    limits = {"min_seconds": 0.5, "max_seconds": 7.0, "edits": ["all"]}
    assert read_limits({"limits": limits}) == BundleLimits(0.5, 7.0, ("all",))


def test_an_older_bundle_has_the_limits_of_its_networks() -> None:
    old = {key: value for key, value in saved().items() if key != "limits"}
    assert read_limits(old) == CONFIG.derived_limits


@pytest.mark.parametrize(
    "changes",
    [
        {"limits": {"max_seconds": 7.0}},
        {"limits": 3},
        {"tokenizer": {"layout": "smpl_269", "stages": 10**9, "parts": ["all"]}},
        {"tokenizer": {"layout": "kit_251", "stages": 2, "parts": ["all"]}},
        {"tokenizer": []},
        {"transformer": None},
    ],
)
def test_what_cannot_be_read_is_the_workers_to_say(changes: dict[str, Any]) -> None:
    old = {key: value for key, value in saved().items() if key != "limits"}
    assert read_limits(old | changes) is None


def test_a_part_is_edited_where_all_its_columns_are_predicted() -> None:
    four = ("lower", "torso", "left_arm", "right_arm")
    assert editable_parts(["all"], ["all"]) == ("all",)
    assert editable_parts(four, four) == ("all", "lower", "upper")
    assert editable_parts(four, four[1:]) == ("upper",)
    assert editable_parts(four, four[:2]) == ("lower",)


def test_reading_them_needs_no_torch() -> None:
    program = "import sys; import mmm_blender.motion.limits; sys.exit('torch' in sys.modules)"
    root = PACKAGE_FOLDER.parent
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0
