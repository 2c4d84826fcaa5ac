"""Write what a bundle knows into it, from the clips that it was trained with.

    python tools/write_knowledge.py --bundle weights/starter --data build/motions.npz --composites

Adds text/knowledge.json and its hash to config.json. --composites: the bundle was taught sentences
of two parts.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.motion.bundles.bundle import add_file, read_config  # noqa: E402
from mmm_blender.motion.runtime.opening import open_text_encoder  # noqa: E402
from mmm_blender.prompts.knowledge import KNOWLEDGE_FILE, to_bytes  # noqa: E402
from mmm_blender.training.data.dataset import TRAIN, split_of  # noqa: E402
from mmm_blender.training.data.motion_file import load_motions  # noqa: E402
from mmm_blender.training.text.bundle_knowledge import bundle_knowledge  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="file of prepare_motions.py")
    parser.add_argument("--composites", action="store_true", help="it knows two-part sentences")
    options = parser.parse_args()
    config = replace(read_config(options.bundle), composites=options.composites)
    records = [record for record in load_motions(options.data)[0] if split_of(record) == TRAIN]
    encoder = open_text_encoder(options.bundle, config.text)
    knowledge = bundle_knowledge(records, encoder, config.composites)
    add_file(options.bundle, config, KNOWLEDGE_FILE, to_bytes(knowledge))
    print(f"{len(knowledge.prompts)} prompts, {len(knowledge.words)} words")
    return 0


if __name__ == "__main__":
    run(main)
