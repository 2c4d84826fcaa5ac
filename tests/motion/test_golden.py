"""We compute what the published model computes.

tests/data/mmm holds small checkpoints with random weights in the published format and their
outputs. The upper/lower cases also need the mean and deviation of HumanML3D, which are not ours
to ship: MMM_REFERENCE names a folder that holds them in humanml3d/.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import check_parity
import numpy as np
import pytest
from _parity import cases
from _parity import reference as reference_files

from mmm_blender.motion.bundles.published_checkpoint import read_statistics
from mmm_blender.motion.runtime.opening import ONNX, TORCH

REFERENCE = Path(__file__).parent.parent / "data" / "mmm"
VARIABLE = "MMM_REFERENCE"
NEEDED = [case for case in cases.CASES if case.needs_statistics]
FREE = [case for case in cases.CASES if not case.needs_statistics]


@pytest.fixture(scope="module", name="reference", params=[ONNX, TORCH])
def _reference(request: pytest.FixtureRequest) -> reference_files.Reference:
    return reference_files.Reference(REFERENCE, None, request.param)


@pytest.fixture(scope="module", name="reference_with_statistics", params=[ONNX, TORCH])
def _reference_with_statistics(request: pytest.FixtureRequest) -> reference_files.Reference:
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} does not name a folder with humanml3d/Mean.npy and Std.npy")
    folder = Path(os.environ[VARIABLE]) / "humanml3d"
    statistics = read_statistics(folder / "Mean.npy", folder / "Std.npy")
    return reference_files.Reference(REFERENCE, statistics, request.param)


@pytest.mark.parametrize("case", FREE, ids=[case.name for case in FREE])
def test_golden(case: cases.Case, reference: reference_files.Reference):
    outcome = cases.run_case(case, reference)
    assert outcome.passed, str(outcome)


@pytest.mark.parametrize("case", NEEDED, ids=[case.name for case in NEEDED])
def test_golden_with_statistics(
    case: cases.Case, reference_with_statistics: reference_files.Reference
):
    outcome = cases.run_case(case, reference_with_statistics)
    assert outcome.passed, str(outcome)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REFERENCE, tmp_path / "mmm"))


def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says of a folder that it cannot use."""
    for name, value in (("mean", 0.0), ("std", 1.0)):
        np.save(folder.parent / f"{name}.npy", np.full(263, value))
    statistics = [f"--mean={folder.parent / 'mean.npy'}", f"--std={folder.parent / 'std.npy'}"]
    assert check_parity.main([f"--reference={folder}", *statistics]) == 1
    return capsys.readouterr().err


@pytest.mark.parametrize("name", ["n_head", "down_t"])
@pytest.mark.parametrize("value", [None, "4"])
def test_a_missing_size_is_named(
    name: str, value: object, folder: Path, capsys: pytest.CaptureFixture[str]
):
    sizes = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(sizes | {name: value}), "utf-8")
    assert f"config.json in {folder} has no usable entry '{name}'" in run(folder, capsys)


def test_a_missing_golden_is_named(folder: Path, capsys: pytest.CaptureFixture[str]):
    with np.load(folder / "golden.npz") as golden:
        rest = {name: golden[name] for name in golden.files if name != "full/vq/tokens"}
    np.savez(folder / "golden.npz", **rest)
    assert f"golden.npz in {folder} has no usable entry 'full/vq/tokens'" in run(folder, capsys)


def holding(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def no_goldens(folder: Path) -> None:
    (folder / "golden.npz").unlink()


def no_archive(folder: Path) -> None:
    np.save(folder / "array.npy", np.zeros(2))
    (folder / "array.npy").replace(folder / "golden.npz")


@pytest.mark.parametrize(
    "damage",
    [
        shutil.rmtree,
        holding("config.json", b"{"),
        holding("golden.npz", b""),
        holding("golden.npz", b"PK\x03\x04 but no archive"),
        holding("golden.npz", (REFERENCE / "golden.npz").read_bytes()[:1000]),
        no_goldens,
        no_archive,
    ],
)
def test_a_damaged_folder_is_told(
    damage: Callable[[Path], object], folder: Path, capsys: pytest.CaptureFixture[str]
):
    damage(folder)
    assert "no readable config.json and golden.npz" in run(folder, capsys)


def test_a_missing_checkpoint_is_named(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "full_trans.pth").unlink()
    assert "There is no file" in run(folder, capsys)


def test_a_difference_is_found(reference: reference_files.Reference):
    """The comparison itself: one token, one feature and a NaN are each noticed."""
    tokens = reference["full/vq/tokens"].copy()
    tokens[0, 0] += 1
    assert reference_files.compare_tokens(tokens, reference["full/vq/tokens"]).wrong == 1
    features = reference["full/vq/decoded"].copy()
    features[0, 0, 0] += 0.002
    assert not reference_files.compare_values(features, reference["full/vq/decoded"]).passed
    features[0, 0, 0] = float("nan")
    assert not reference_files.compare_values(features, reference["full/vq/decoded"]).passed
