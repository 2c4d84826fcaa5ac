"""Change the bytes of files that MMM reads, at random, and see that each is read or refused.

    python tools/fuzz.py --seconds 60
    python tools/fuzz.py --seconds 3600 --only pickle,checkpoint --seed 7

Every outcome must be a result or an MMMError (for frames: a ProtocolError) whose sentence can be
shown, in less than 10 s and with less than 1 GB of memory. Prints one row a kind of file; what
fails is written to --out and named, and the exit code is 1. --atheris KIND lets atheris (a package
of its own) choose the changes, by what they reach in the code.
"""

from __future__ import annotations

import argparse
import importlib
import io
import pickle
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from mmm_blender.batch.table import read_table  # noqa: E402
from mmm_blender.blender.history.recipe import (  # noqa: E402
    EditStep,
    GenerateStep,
    Origin,
    Recipe,
    SegmentStep,
    SequenceStep,
    UserEdits,
    parse_recipe,
    recipe_text,
)
from mmm_blender.common.array_text import pack, unpack  # noqa: E402
from mmm_blender.common.errors import MMMError  # noqa: E402
from mmm_blender.geometry.bvh import bvh_text, read_bvh  # noqa: E402
from mmm_blender.geometry.clip import MotionClip  # noqa: E402
from mmm_blender.geometry.rotations import identity_quats  # noqa: E402
from mmm_blender.motion.bundles.bundle import read_config  # noqa: E402
from mmm_blender.motion.bundles.published_checkpoint import read_checkpoint  # noqa: E402
from mmm_blender.motion.networks.weights import read_tensors  # noqa: E402
from mmm_blender.smpl_model.model_file import read_arrays  # noqa: E402
from mmm_blender.worker.protocol import Generate, LoadBundle  # noqa: E402
from mmm_blender.worker.wire import encode, read_message  # noqa: E402

SECONDS, MEGABYTES = 10.0, 1000.0
_KILOBYTE = 1024
_LENGTH = b"\xff\xff\xff\x7f"
_PIECES = (_LENGTH, b"\x00", b"\xff" * 8, b"NaN", b"1e999", b"\\ud800", b"-1", b"9" * 30, b"[" * 99)
_MOST_CHANGES = 6


@dataclass(frozen=True)
class Kind:
    """A kind of file. name: of the file. whole: contents as they should be. read: reads one."""

    name: str
    whole: Callable[[], list[bytes]]
    read: Callable[[Path], object]


def _clip() -> MotionClip:
    return MotionClip(identity_quats(3, 22), np.zeros((3, 3)))


def _pickles() -> list[bytes]:
    arrays = {"a": np.arange(12.0).reshape(3, 4), "b": np.float64(1.5)}
    return [pickle.dumps(arrays, protocol) for protocol in range(6)]


def _checkpoints() -> list[bytes]:
    found: list[bytes] = []
    for zipped in (True, False):
        stream = io.BytesIO()
        torch.save({"net": {"a": torch.zeros(3, 4)}}, stream, _use_new_zipfile_serialization=zipped)
        found.append(stream.getvalue())
    return found


def _tensors() -> list[bytes]:
    from safetensors.torch import save  # noqa: PLC0415  # as the others, but rarely asked for

    return [save({"a": torch.zeros(3, 4), "b": torch.ones(2, dtype=torch.int64)})]


def _tables() -> list[bytes]:
    rows = 'name,prompt,seconds,seed\nwalk,"a person walks, tired",2.5,7\nrun,a | b,3 | 2.5,0 | 7\n'
    return [rows.encode(), rows.replace(",", ";").encode("utf-16"), rows.encode("cp1252")]


def _frames() -> list[bytes]:
    return [encode(Generate("a person walks", 4.0, seed=3, job=1)), encode(LoadBundle("starter"))]


def _recipes() -> list[bytes]:
    place = {"x": 0.0, "z": 0.0, "yaw": 0.0}
    origin = Origin("starter", "ab" * 32, "0.2.0", {"steps": 10}, "cpu", 2, "")
    tokens = pack(np.arange(6).reshape(3, 2))
    made = GenerateStep("a person walks", 3.0, 7, origin, 1, 24.0, place, tokens=tokens)
    spoken = SequenceStep(("walks", "runs"), (2.0, 3.0), (0, 7), origin, 1, 24.0, place)
    mask = pack(np.zeros((40, 23), dtype=np.bool_))
    counts = {'pose.bones["head"].rotation_quaternion': [1, -1, 0]}
    hand = UserEdits(("head",), {}, {"head": tokens}, counts, tokens)
    edit = EditStep("", 3, "upper", 4, 12, origin, 24.0, 1, mask, {"head": [3.0]}, hand, tokens)
    segment = SegmentStep(1, "jumps", 2.0, 5, 30, 60, 70, -10, origin, 24.0, 5, mask)
    steps = ((made,), (spoken, segment), (made, edit))
    return [recipe_text(Recipe(each)).encode() for each in steps]


def _config() -> list[bytes]:
    return [(ROOT / "weights" / "starter" / "config.json").read_bytes()]


KINDS: Mapping[str, Kind] = {
    "pickle": Kind("a.pkl", _pickles, lambda path: read_arrays(path, {"a": True})),
    "checkpoint": Kind("a.pth", _checkpoints, lambda path: read_checkpoint(path, "net")),
    "safetensors": Kind("a.safetensors", _tensors, lambda path: read_tensors(path, "mend it.")),
    "config": Kind("config.json", _config, lambda path: read_config(path.parent)),
    "table": Kind("a.csv", _tables, read_table),
    "bvh": Kind("a.bvh", lambda: [bvh_text(_clip()).encode()], read_bvh),
    "array": Kind(
        "a.txt",
        lambda: [pack(np.arange(12.0)).encode()],
        lambda path: unpack(path.read_bytes().decode("latin-1")),
    ),
    "recipe": Kind(
        "a.json", _recipes, lambda path: parse_recipe(path.read_bytes().decode("latin-1"))
    ),
    "frame": Kind("a.bin", _frames, lambda path: read_message(io.BytesIO(path.read_bytes()))),
}


def changed(content: bytes, dice: random.Random) -> bytes:
    """The content with up to ``_MOST_CHANGES`` changes."""
    made = bytearray(content)
    for _ in range(dice.randint(1, _MOST_CHANGES)):
        at = dice.randrange(len(made) + 1)
        match dice.randrange(4):
            case 0 if made:
                made[at % len(made)] = dice.randrange(256)
            case 1:
                made[at:at] = dice.choice(_PIECES)
            case 2:
                del made[at : at + dice.randint(1, 40)]
            case _:
                start = dice.randrange(len(made) + 1)
                made[at:at] = made[start : start + dice.randint(1, 40)]
    return bytes(made)


def outcome(kind: Kind, content: bytes, folder: Path) -> str:
    """What is wrong with how a content was taken; "" where nothing is."""
    path = folder / kind.name
    path.write_bytes(content)
    start = time.perf_counter()
    try:
        kind.read(path)
    except MMMError as error:
        str(error).encode()
    except Exception as error:  # noqa: BLE001  # what is looked for
        return f"{type(error).__name__}: {error}"
    took = time.perf_counter() - start
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KILOBYTE
    if took > SECONDS:
        return f"it took {took:.1f} s"
    return f"it took {megabytes:.0f} MB" if megabytes > MEGABYTES else ""


def fuzz(name: str, seconds: float, dice: random.Random, out: Path) -> int:
    """Change files of one kind for so long; how many failed."""
    kind, tried, failed = KINDS[name], 0, 0
    whole, end = kind.whole(), time.perf_counter() + seconds
    with tempfile.TemporaryDirectory() as folder:
        while time.perf_counter() < end:
            content = changed(dice.choice(whole), dice)
            tried += 1
            if fault := outcome(kind, content, Path(folder)):
                failed += 1
                out.mkdir(parents=True, exist_ok=True)
                (out / f"{name}_{tried}").write_bytes(content)
                print(f"{name} {tried}: {fault}", file=sys.stderr)
    print(f"{name:12} {tried:8} tried {failed:4} failed", flush=True)
    return failed


def with_atheris(name: str, folder: Path) -> None:
    """Let atheris change files of one kind; it ends by itself at a failure, or never."""
    atheris: Any = importlib.import_module("atheris")  # optional
    for module in [each for each in sys.modules if each.partition(".")[0] == "mmm_blender"]:
        del sys.modules[module]
    with atheris.instrument_imports(include=["mmm_blender"]):  # what it sees of the code
        again: Any = importlib.import_module("fuzz")

    def one(content: bytes) -> None:
        if fault := again.outcome(again.KINDS[name], content, folder):
            raise AssertionError(fault)

    atheris.Setup([sys.argv[0]], one)
    atheris.Fuzz()


def main() -> int:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0, help="all kinds together")
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, with commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("--atheris", choices=KINDS, help="a kind that atheris changes")
    options = parser.parse_args()
    if options.atheris:
        with tempfile.TemporaryDirectory() as folder:
            with_atheris(options.atheris, Path(folder))
    names = options.only.split(",")
    dice = random.Random(options.seed)
    failed = sum(fuzz(name, options.seconds / len(names), dice, options.out) for name in names)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
