import gzip
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.motion.text.byte_pair import BytePairTokenizer, byte_signs, join_pair

MAX_TOKENS = 77
END_ID = 49407
PUBLISHED_MERGES = 48894


@pytest.fixture(scope="module")
def tokenizer(clip_package_folder: Path) -> BytePairTokenizer:
    return BytePairTokenizer.from_folder(clip_package_folder)


@pytest.fixture(scope="module")
def reference(clip_package_folder: Path) -> Callable[[str], list[int]]:
    """CLIP's own tokenizer, with the start, the end and the cut that its package puts around."""
    spec = importlib.util.spec_from_file_location(
        "clip_simple_tokenizer", clip_package_folder / "simple_tokenizer.py"
    )
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    theirs = module.SimpleTokenizer()

    def encode(prompt: str) -> list[int]:
        start, end = theirs.encoder["<|startoftext|>"], theirs.encoder["<|endoftext|>"]
        ids = [start, *theirs.encode(prompt)]
        return [*ids[: MAX_TOKENS - 1], end]

    return encode


def test_ids_equal_those_of_clips_own_tokenizer(
    tokenizer: BytePairTokenizer, reference: Callable[[str], list[int]], prompts: list[str]
) -> None:
    different = [p for p in prompts if tokenizer.encode(p, MAX_TOKENS) != reference(p)]
    assert len(prompts) >= 200
    assert different == []
    assert max(len(tokenizer.encode(p, MAX_TOKENS)) for p in prompts) == MAX_TOKENS


def test_specials_spelled_in_a_prompt_are_specials(
    tokenizer: BytePairTokenizer, reference: Callable[[str], list[int]]
) -> None:
    prompt = "walk <|endoftext|> run <|STARTOFTEXT|>"
    assert tokenizer.encode(prompt, MAX_TOKENS) == reference(prompt)
    assert tokenizer.encode(prompt, MAX_TOKENS).count(END_ID) == 2


def test_the_published_layout_gives_the_same_ids(
    tokenizer: BytePairTokenizer, clip_package_folder: Path, tmp_path: Path
) -> None:
    copy_as_merges(clip_package_folder, tmp_path)
    ids = {**tokenizer._ids}  # pyright: ignore[reportPrivateUsage]  # written out as vocab.json
    (tmp_path / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    other = BytePairTokenizer.from_folder(tmp_path)
    prompt = "a tired person walks 👋 forward"
    assert other.encode(prompt, MAX_TOKENS) == tokenizer.encode(prompt, MAX_TOKENS)
    assert len(other) == END_ID + 1


def test_a_vocabulary_of_something_else_is_refused(
    clip_package_folder: Path, tmp_path: Path
) -> None:
    copy_as_merges(clip_package_folder, tmp_path)
    (tmp_path / "vocab.json").write_text('{"walk</w>": 0}')
    with pytest.raises(MMMError, match="do not belong together"):
        BytePairTokenizer.from_folder(tmp_path)


def test_a_folder_without_merges_is_told(tmp_path: Path) -> None:
    with pytest.raises(MMMError, match=r"has none of merges\.txt"):
        BytePairTokenizer.from_folder(tmp_path)


def test_damaged_merges_are_told(tmp_path: Path) -> None:
    (tmp_path / "bpe_simple_vocab_16e6.txt.gz").write_bytes(b"not gzip")
    with pytest.raises(MMMError, match="damaged"):
        BytePairTokenizer.from_folder(tmp_path)
    (tmp_path / "merges.txt").write_text("#version\na b c d\n")
    with pytest.raises(MMMError, match="damaged"):
        BytePairTokenizer.from_folder(tmp_path)


def test_every_byte_has_a_sign_of_its_own() -> None:
    signs = byte_signs()
    assert len(set(signs.values())) == len(signs) == 256
    assert signs[ord("a")] == "a"


def test_pairs_join_from_the_left() -> None:
    assert join_pair(["a", "a", "a", "b"], ("a", "a")) == ["aa", "a", "b"]


def copy_as_merges(package: Path, folder: Path) -> None:
    """Write the package's merges in the layout of the public model folders."""
    packed = (package / "bpe_simple_vocab_16e6.txt.gz").read_bytes()
    lines = gzip.decompress(packed).decode("utf-8").split("\n")
    text = "\n".join(["#version: 0.2", *lines[1 : PUBLISHED_MERGES + 1]]) + "\n"
    (folder / "merges.txt").write_text(text, encoding="utf-8")
