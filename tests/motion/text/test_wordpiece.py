from pathlib import Path

import pytest
from transformers import BertTokenizer

from mmm_blender.common.errors import MMMError
from mmm_blender.motion.text.wordpiece import WordPieceTokenizer, split_words

MAX_TOKENS = 64


@pytest.fixture(scope="module")
def tokenizer(minilm_folder: Path) -> WordPieceTokenizer:
    return WordPieceTokenizer.from_file(minilm_folder / "vocab.txt")


def test_ids_equal_those_of_bert_tokenizer(
    tokenizer: WordPieceTokenizer, minilm_folder: Path, prompts: list[str]
) -> None:
    reference = BertTokenizer.from_pretrained(str(minilm_folder))
    different = [
        prompt
        for prompt in prompts
        if tokenizer.encode(prompt, MAX_TOKENS)
        != reference(prompt, truncation=True, max_length=MAX_TOKENS)["input_ids"]
    ]
    assert len(prompts) >= 200
    assert different == []


def test_long_text_is_cut_and_still_ends_with_the_end_piece(tokenizer: WordPieceTokenizer) -> None:
    ids = tokenizer.encode("walk " * 500, 10)
    assert len(ids) == 10
    assert [tokenizer.pieces[ids[0]], tokenizer.pieces[ids[-1]]] == ["[CLS]", "[SEP]"]


def test_unseen_inflections_are_pieces_of_known_words(tokenizer: WordPieceTokenizer) -> None:
    pieces = [tokenizer.pieces[i] for i in tokenizer.encode("moonwalks", MAX_TOKENS)]
    assert pieces == ["[CLS]", "moon", "##walk", "##s", "[SEP]"]


def test_a_word_beyond_reason_is_unknown(tokenizer: WordPieceTokenizer) -> None:
    pieces = [tokenizer.pieces[i] for i in tokenizer.encode("a" * 101, MAX_TOKENS)]
    assert pieces == ["[CLS]", "[UNK]", "[SEP]"]


def test_words_lose_case_and_accents_and_punctuation_stands_alone() -> None:
    assert split_words("Café-Walk, $5!") == ["cafe", "-", "walk", ",", "$", "5", "!"]


def test_a_missing_vocabulary_is_told(tmp_path: Path) -> None:
    with pytest.raises(MMMError, match=r"vocab\.txt"):
        WordPieceTokenizer.from_file(tmp_path / "vocab.txt")


def test_a_vocabulary_without_specials_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("walk\nrun\n")
    with pytest.raises(MMMError, match=r"\[CLS\]"):
        WordPieceTokenizer.from_file(tmp_path / "vocab.txt")
