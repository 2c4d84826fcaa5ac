"""We compute what the published model computes.

tests/data/mmm holds small checkpoints with random weights in the published format and their
outputs. The upper/lower cases also need the mean and deviation of HumanML3D, which are not ours
to ship: MMM_REFERENCE names a folder that holds them in humanml3d/.
"""

import os
from pathlib import Path

import check_parity
import pytest

from mmm_blender.motion.checkpoint import read_statistics

REFERENCE = Path(__file__).parent.parent / "data" / "mmm"
VARIABLE = "MMM_REFERENCE"
NEEDED = [case for case in check_parity.CASES if case.needs_statistics]
FREE = [case for case in check_parity.CASES if not case.needs_statistics]


@pytest.fixture(scope="module", name="reference")
def _reference() -> check_parity.Reference:
    return check_parity.Reference(REFERENCE, None)


@pytest.fixture(scope="module", name="reference_with_statistics")
def _reference_with_statistics() -> check_parity.Reference:
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} does not name a folder with humanml3d/Mean.npy and Std.npy")
    folder = Path(os.environ[VARIABLE]) / "humanml3d"
    return check_parity.Reference(
        REFERENCE, read_statistics(folder / "Mean.npy", folder / "Std.npy")
    )


@pytest.mark.parametrize("case", FREE, ids=[case.name for case in FREE])
def test_golden(case: check_parity.Case, reference: check_parity.Reference):
    outcome = check_parity.run_case(case, reference)
    assert outcome.passed, str(outcome)


@pytest.mark.parametrize("case", NEEDED, ids=[case.name for case in NEEDED])
def test_golden_with_statistics(
    case: check_parity.Case, reference_with_statistics: check_parity.Reference
):
    outcome = check_parity.run_case(case, reference_with_statistics)
    assert outcome.passed, str(outcome)


def test_a_difference_is_found(reference: check_parity.Reference):
    """The comparison itself: one token, one feature and a NaN are each noticed."""
    tokens = reference["full/vq/tokens"].clone()
    tokens[0, 0] += 1
    assert check_parity.compare_tokens(tokens, reference["full/vq/tokens"]).wrong == 1
    features = reference["full/vq/decoded"].clone()
    features[0, 0, 0] += 0.002
    assert not check_parity.compare_values(features, reference["full/vq/decoded"]).passed
    features[0, 0, 0] = float("nan")
    assert not check_parity.compare_values(features, reference["full/vq/decoded"]).passed
