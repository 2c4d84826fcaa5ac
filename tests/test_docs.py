"""Documents say what the code says: keys of a bundle, the picture of the layers, file names."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mmm_blender.motion import config
from mmm_blender.motion.limits import BundleLimits

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = (
    config.BundleConfig,
    config.TokenizerConfig,
    config.TransformerConfig,
    config.SamplerConfig,
    BundleLimits,
)
MANUAL = ROOT / "docs" / "manual"
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))),
)
MOST_PICTURE_BYTES = 150_000
PLAIN_VALUE = re.compile(r'^(null|true|false|-?[\d.]+|"[^"]*")$')


def table_of(heading: str) -> dict[str, str]:
    """Keys and defaults of the table below a heading of docs/bundles.md."""
    text = (ROOT / "docs" / "bundles.md").read_text(encoding="utf-8")
    section = text.split(f"### {heading}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", section, flags=re.MULTILINE)
    return {key: default.strip() for key, default in rows}


@pytest.mark.parametrize("cls", CONFIGS, ids=lambda cls: cls.__name__)
def test_every_key_of_a_bundle_is_documented(cls: type) -> None:
    fields = {field.name: field for field in dataclasses.fields(cls)}
    documented = table_of(cls.__name__)
    assert list(documented) == list(fields)
    for name, default in documented.items():
        value = fields[name].default
        if PLAIN_VALUE.match(default):
            assert default == json.dumps(value)


@pytest.mark.parametrize("cls", CONFIGS, ids=lambda cls: cls.__name__)
def test_every_field_has_a_line_where_it_is_declared(cls: type) -> None:
    assert cls.__doc__ is not None
    missing = [f.name for f in dataclasses.fields(cls) if f"{f.name}:" not in cls.__doc__]
    assert not missing


def test_the_picture_shows_the_layers_of_the_table() -> None:
    command = [sys.executable, "tools/draw_layers.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def existing_documents() -> list[Path]:
    return [path for path in (ROOT / name for name in DOCUMENTS) if path.is_file()]


@pytest.mark.parametrize("document", existing_documents(), ids=lambda path: path.name)
def test_links_and_commands_lead_to_files(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text)
    assert not [link for link in links if not (document.parent / link).exists()]
    tools = re.findall(r"\b(tools/[\w/]+(?:\.py)?)", text)
    assert not [name for name in tools if not (ROOT / name).exists()]


@pytest.mark.parametrize("document", existing_documents(), ids=lambda path: path.name)
def test_files_that_are_named_are_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"`((?:mmm_blender/)?\w+/[\w/]+\.(?:py|toml|txt))`", text)
    roots = (ROOT, ROOT / "mmm_blender")
    assert not [name for name in named if not any((root / name).exists() for root in roots)]


def test_the_manual_is_whole_where_it_is_installed() -> None:
    """It goes into the zip alone: its links stay inside, its index has every page, and its pictures
    are small."""
    pages = {path.name: path.read_text(encoding="utf-8") for path in MANUAL.glob("*.md")}
    links = {name: re.findall(r"\]\(([^)#\s]+)", text) for name, text in pages.items()}
    assert [(name, link) for name in links for link in links[name] if "/" in link] == []
    assert set(pages) - {"README.md"} <= set(links["README.md"])
    shown = {link for found in links.values() for link in found if link.endswith(".png")}
    pictures = {path.name: path.stat().st_size for path in MANUAL.glob("*.png")}
    assert set(pictures) == shown
    assert {name for name, size in pictures.items() if size > MOST_PICTURE_BYTES} == set()
