"""The bundle in tests/data, which tests without torch generate with, is what its program writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mmm_blender.motion.bundles.bundle import read_config
from tests.blender.helpers import make_tiny_bundle

STORED = Path(__file__).parents[2] / "data" / "tiny"


@pytest.fixture(scope="module")
def written(needs_torch: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    make_tiny_bundle.main(folder)
    return folder


def test_its_files_and_its_config_are_those(written: Path) -> None:
    names = [sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))
             for folder in (written, STORED)]  # fmt: skip
    assert names[0] == names[1]
    configs = [
        json.loads((folder / "config.json").read_text("utf-8")) for folder in (written, STORED)
    ]
    for config in configs:
        del config["files"]  # hashes, and numbers may differ in their last bit
    assert configs[0] == configs[1]
    read_config(STORED)


@pytest.mark.parametrize(
    "name", ["tokenizer.safetensors", "transformer.safetensors", "text/model.safetensors"]
)
def test_its_tensors_are_those(written: Path, name: str) -> None:
    ours, theirs = load_file(STORED / name), load_file(written / name)
    assert list(ours) == list(theirs)
    for key, values in ours.items():
        np.testing.assert_allclose(values, theirs[key], atol=1e-3, err_msg=key)
