"""Make the tables of a bundle's card from its figures file.

python tools/card_tables.py --bundle weights/starter          (writes into its MODEL_CARD.md)
python tools/card_tables.py --figures out/figures.json        (prints them)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.common.atomic_files import write_files  # noqa: E402
from mmm_blender.training.evaluation.figures_file import (  # noqa: E402
    FIGURES_FILE,
    card_with_figures,
    read_figures,
)
from mmm_blender.training.evaluation.report import markdown_report  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--bundle", type=Path, help="folder with figures.json and MODEL_CARD.md")
    what.add_argument("--figures", type=Path, help="a figures file")
    options = parser.parse_args()
    if options.figures:
        print(markdown_report(read_figures(options.figures)))
        return 0
    card = options.bundle / "MODEL_CARD.md"
    report = read_figures(options.bundle / FIGURES_FILE)
    write_files({card: card_with_figures(card.read_text(encoding="utf-8"), report).encode()})
    return 0


if __name__ == "__main__":
    run(main)
