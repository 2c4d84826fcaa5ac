"""Train a tokenizer and a transformer from small data; the first process writes the loss curves.

    torchrun --nproc-per-node 2 training_driver.py CURVES.json FOLDER TOKENIZER_FOLDER

FOLDER holds motions.npz and text/. The transformer learns the tokens of TOKENIZER_FOLDER.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import train_tokenizer  # noqa: E402
import train_transformer  # noqa: E402

from mmm_blender.motion.networks import quantizer  # noqa: E402
from mmm_blender.training.trainer.distributed import joined  # noqa: E402

STEPS = 6
COMMON = ["--batch", "6", "--threads", "1", "--precision", "float32", "--seed", "5"]


def tokenizer_words(folder: Path, out: Path, steps: int = STEPS) -> list[str]:
    given = ["--data", str(folder / "motions.npz"), "--out", str(out), "--steps", str(steps)]
    return [*given, *COMMON, "--width", "16", "--codes", "8", "--code-dim", "4"]


def transformer_words(folder: Path, tokenizer: Path, out: Path, *more: str) -> list[str]:
    given = ["--data", str(folder / "motions.npz"), "--out", str(out), "--steps", str(STEPS)]
    given += ["--tokenizer", str(tokenizer), "--text", str(folder / "text")]
    return [*given, *COMMON, "--width", "32", "--layers", "1", "--heads", "2", *more]


def main(curves: Path, folder: Path, tokenizer: Path) -> None:
    quantizer.RESET_EVERY = 2  # a long time in a short run
    with joined("cpu") as team:
        out = curves.parent
        sys.argv[1:] = tokenizer_words(folder, out / "tokenizer")
        first = train_tokenizer.fit(train_tokenizer.parse_options(), team)
        words = transformer_words(folder, tokenizer, out / "transformer", "--dropout", "0")
        sys.argv[1:] = words
        second = train_transformer.fit(train_transformer.parse_options(), team)
        if team.leads:
            curves.write_text(json.dumps({"tokenizer": first, "transformer": second}))


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:4]))
