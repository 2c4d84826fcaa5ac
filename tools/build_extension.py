"""Builds the extension's zips, out/mmm_blender-VERSION-PLATFORM.zip: one for each system.

    python tools/build_extension.py [--platform all|NAME ...] [--weights FOLDER] [--out FOLDER]

Needs Python 3.11 with pip and nothing else. It downloads the wheels of the platforms that are
asked for (16 to 28 MB each, two or three a platform) into out/wheels/, once, and checks them
against the hashes in tools/requirements/. Where there is a Blender (bpy, one on the PATH, or
--blender), its own tool validates every zip.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from _package import extension_zip
from _package.extension_zip import MEGABYTE, ROOT
from _package.platforms import PLATFORMS, BuildError, Platform, this_platform
from _package.wheels import fetch_wheels, file_hash

ALL, HERE = "all", "here"
WHEELS = ROOT / "out" / "wheels"


def main(arguments: list[str] | None = None) -> int:
    """Build from the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        for platform in _chosen(options.platform):
            built = build(options.weights, options.out, platform, options.wheels, options.blender)
            size = built.stat().st_size / MEGABYTE
            print(f"{file_hash(built)}  {built} ({size:.1f} MB)", flush=True)
    except BuildError as error:
        print(f"build_extension: {error}", file=sys.stderr)
        return 1
    return 0


def build(
    weights: Path,
    out: Path,
    platform: Platform | None = None,
    wheels: Path = WHEELS,
    blender: str = "",
) -> Path:
    """Stage, zip and validate for one platform (this one if none is named); returns the zip."""
    platform = platform or this_platform()
    if not any(weights.glob("*/config.json")):
        raise BuildError(
            f"{weights} holds no bundle (NAME/config.json), and an extension without weights "
            "generates nothing: name a folder of bundles with --weights."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildError(f"{out} cannot be a folder for the zip ({error.strerror}).") from error
    built = out / extension_zip.zip_name(platform)
    with tempfile.TemporaryDirectory() as folder:
        extension_zip.stage(weights, fetch_wheels(platform, wheels), platform, Path(folder))
        extension_zip.write_zip(Path(folder), built)
    if not extension_zip.validate(built, blender):
        print("build_extension: not validated, as no Blender was found.", file=sys.stderr)
    if built.stat().st_size > extension_zip.LARGEST_ZIP:
        limit = extension_zip.LARGEST_ZIP // MEGABYTE
        raise BuildError(f"{built} is over {limit} MB: ship smaller weights.")
    return built


def _chosen(names: list[str]) -> list[Platform]:
    if ALL in names:
        return list(PLATFORMS.values())
    return [this_platform() if name == HERE else PLATFORMS[name] for name in names]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--platform", nargs="+", default=[HERE], choices=[HERE, ALL, *PLATFORMS],
        help="for which systems (default: this one)",
    )  # fmt: skip
    parser.add_argument("--weights", type=Path, default=ROOT / "weights", help="folder of bundles")
    parser.add_argument("--out", type=Path, default=ROOT / "out", help="folder for the zips")
    parser.add_argument("--wheels", type=Path, default=WHEELS, help="where wheels are kept")
    parser.add_argument("--blender", default="", help="the Blender that validates")
    return parser


if __name__ == "__main__":
    sys.exit(main())
