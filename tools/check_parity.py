"""Check that we compute what the published model computes.

    python tools/check_parity.py --reference DIR --mean FILE --std FILE

DIR holds small checkpoints in the published format (full_vq.pth, full_trans.pth, upper_vq.pth,
upper_trans.pth), config.json with their sizes and golden.npz with the outputs that they must give.
Prints one row a case, on ONNX Runtime and on torch; ends with 1 if a token differs, or a logit or
feature by more than 1e-3.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _parity.cases import CASES, Case, run_case  # noqa: E402
from _parity.reference import Reference  # noqa: E402

from mmm_blender.common.errors import MMMError  # noqa: E402
from mmm_blender.motion.bundles.published_checkpoint import read_statistics  # noqa: E402
from mmm_blender.motion.runtime.opening import ONNX, TORCH  # noqa: E402

NAME_WIDTH = max(len(case.name) for case in CASES)


def main(arguments: list[str] | None = None) -> int:
    """Run all cases; 1 if one fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--reference", type=Path, required=True, metavar="DIR")
    parser.add_argument("--mean", type=Path, required=True, metavar="FILE")
    parser.add_argument("--std", type=Path, required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        statistics = read_statistics(options.mean, options.std)
        passed = [
            passed
            for library in (ONNX, TORCH)
            for passed in _all_cases(Reference(options.reference, statistics, library))
        ]
    except MMMError as error:
        print(f"check_parity: {error}", file=sys.stderr)
        return 1
    print(f"{sum(passed)} of {len(passed)} cases pass")
    return 0 if all(passed) else 1


def _all_cases(reference: Reference) -> list[bool]:
    """Every case on one library."""
    print(f"{reference.library}:", flush=True)
    return [_report(case, reference) for case in CASES]


def _report(case: Case, reference: Reference) -> bool:
    outcome = run_case(case, reference)
    print(f"{'ok  ' if outcome.passed else 'FAIL'} {case.name:<{NAME_WIDTH}} {outcome}", flush=True)
    return outcome.passed


if __name__ == "__main__":
    sys.exit(main())
