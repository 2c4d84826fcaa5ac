"""Train small tokenizers that differ in one thing each, with equal steps, and table their figures.

    python tools/compare_tokenizers.py --data build/motions.npz --out build/compare --steps 900

A run that is there already is not made again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS.parent))

from _dev.program import run  # noqa: E402

RUNS: dict[str, list[str]] = {
    "lower, upper; 2 codebooks each; 1,024 codes (ours)": [],
    "1 codebook each": ["--codebooks", "1", "1", "--code-dim", "32"],
    "1 codebook each; 512 codes": ["--codebooks", "1", "1", "--code-dim", "32", "--codes", "512"],
    "3 codebooks each": ["--codebooks", "3", "3"],
    "2 codebooks each; 512 codes": ["--codes", "512"],
    "2 codebooks each; dead codes left dead": ["--no-revival"],
    "2 codebooks each; finite scalar codes 8 x 5 x 5 x 5": ["--levels", "8", "5", "5", "5"],
    "whole body (P = 1); 1 codebook": [
        *("--parts", "all", "--codebooks", "1", "--code-dim", "32", "--width", "384"),
    ],
    "whole body (P = 1); 4 codebooks": ["--parts", "all", "--codebooks", "4", "--width", "384"],
    "legs, torso, arms apart; 2, 1, 1, 1 codebooks": [
        *("--parts", "lower", "torso", "left_arm", "right_arm"),
        *("--codebooks", "2", "1", "1", "1", "--width", "192"),
    ],
}
"""What each run changes, as options of train_tokenizer.py."""

COLUMNS = ("joint error, mm", "rotation error, degrees", "root drift over 5 s, cm")
SETS = ("unseen takes", "unseen styles")

Figures: TypeAlias = dict[str, dict[str, float]]
"""As train_tokenizer.py writes them: by held-out set and name."""


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="file of prepare_motions.py")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--steps", type=int, default=900, help="of every run")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def figures_of(number: int, changes: list[str], options: argparse.Namespace) -> Figures:
    folder: Path = options.out / f"run{number}"
    file = folder / "figures.json"
    if not file.is_file():
        given = ["--data", options.data, "--out", folder]
        size = ["--steps", options.steps, "--threads", options.threads]
        command = [sys.executable, TOOLS / "train_tokenizer.py", *given, *size, *changes]
        subprocess.run([str(word) for word in command], check=True)
    return json.loads(file.read_text(encoding="utf-8"))


def table(rows: dict[str, Figures]) -> str:
    heads = [f"{where}: {name}" for where in SETS for name in COLUMNS]
    lines = ["| run | " + " | ".join(heads) + " |", "| --- |" + " --- |" * len(heads)]
    for name, figures in rows.items():
        cells = [f"{figures[where][column]:.1f}" for where in SETS for column in COLUMNS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    options = parse_options()
    rows = {
        name: figures_of(number, changes, options)
        for number, (name, changes) in enumerate(RUNS.items())
    }
    print(f"{options.steps} steps each\n\n{table(rows)}")
    return 0


if __name__ == "__main__":
    run(main)
