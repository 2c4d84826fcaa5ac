"""What is said of a prompt that was not understood, and what a bundle says that it knows."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_blender.prompts.knowledge import (
    KNOWLEDGE_FILE,
    Knowledge,
    KnownGroup,
    KnownPrompt,
    Neighbour,
    from_values,
    read_knowledge,
    to_bytes,
)
from mmm_blender.prompts.understanding import line_of, notes_on

WORDS = """
    person walks walking forward waves both hands hand dances tired man bows runs plays
""".split()  # noqa: SIM905  # easier to read
KNOWN = Knowledge(
    (
        KnownGroup("Locomotion", (KnownPrompt("a person walks forward", "walks forward", 9),)),
        KnownGroup(
            "Gestures",
            (
                KnownPrompt("a person waves both hands", "waves both hands", 5),
                KnownPrompt("a person bows", "bows", 3),
            ),
        ),
    ),
    {word: 10 + len(word) for word in WORDS},
    {
        "violin": Neighbour(("waves", "dances"), 0.38),
        "strolls": Neighbour(("walks forward", "runs"), 0.84),
    },
    frozenset({"walks forward then bows"}),
    12,
)


def test_what_is_known_is_not_spoken_of():
    for prompt in ("a person walks forward", "a tired man walked", "she strolls", "", "Bows!"):
        assert notes_on(prompt, KNOWN) == ()


def test_a_bundle_that_says_nothing_is_asked_nothing():
    assert notes_on("ein Mann spielt Geige", None) == ()


def test_a_word_that_was_never_seen_is_named_with_the_nearest():
    (note,) = notes_on("a person plays the violin", KNOWN)
    assert note == "Never seen: 'violin'. Nearest: 'waves', 'dances'."
    (note,) = notes_on("a person qworps", KNOWN)
    assert note == "Never seen: 'qworps'."


def test_the_text_encoder_has_the_last_word_where_it_is_asked():
    far, near = Neighbour(("bows",), 0.3), Neighbour(("bows",), 0.9)
    assert notes_on("a person qworps", KNOWN, lambda _prompt: near) == ()
    (note,) = notes_on("a person qworps", KNOWN, lambda _prompt: far)
    assert note == "Never seen: 'qworps'. Nearest: 'bows'."


@pytest.mark.parametrize(("typo", "meant"), [("wlaks", "walks"), ("waives", "waves")])
def test_a_typo_is_asked_about(typo: str, meant: str):
    assert notes_on(f"a person {typo}", KNOWN) == (f"Did you mean '{meant}'?",)


@pytest.mark.parametrize(
    "prompt",
    ["ein Mann geht vorwärts", "人が歩く", "человек идёт", "una persona camina",
     "un homme marche vers l'avant", "een man loopt"],
)  # fmt: skip
def test_another_language_is_said_to_be_one(prompt: str):
    assert notes_on(prompt, KNOWN)[0].startswith("Only English is understood")


def test_words_that_are_not_read_are_told():
    long = " ".join(["a person walks forward"] * 4)
    (note,) = notes_on(long, KNOWN)
    assert "(word 12)" in note
    assert notes_on(" ".join(["a person walks forward"] * 3), KNOWN) == ()
    (note,) = notes_on("a person walks forward", KNOWN, pieces_of=lambda _word: 5)
    assert "Nothing after 'person' (word 2) is read" in note


@given(st.text(max_size=120))
def test_any_text_gives_short_sentences_on_one_line(text: str):
    line = line_of(notes_on(text, KNOWN))
    assert "\n" not in line


def test_knowledge_comes_back_from_its_file(tmp_path: Path):
    path = tmp_path / KNOWLEDGE_FILE
    path.parent.mkdir()
    path.write_bytes(to_bytes(KNOWN))
    assert read_knowledge(tmp_path) == KNOWN
    assert [prompt.verb for prompt in KNOWN.prompts] == [
        "walks forward",
        "waves both hands",
        "bows",
    ]


@pytest.mark.parametrize("content", ["", "[]", '{"format": 9}', '{"format": 1}', "nonsense"])
def test_a_file_that_nobody_can_read_is_as_good_as_none(tmp_path: Path, content: str):
    path = tmp_path / KNOWLEDGE_FILE
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    assert read_knowledge(tmp_path) is None
    assert read_knowledge(tmp_path / "nowhere") is None


def test_prompts_are_found_by_words_of_theirs_and_of_their_group():
    assert [g.name for g in KNOWN.search("")] == ["Locomotion", "Gestures"]
    assert [p.verb for g in KNOWN.search("both WAVES") for p in g.prompts] == ["waves both hands"]
    assert [g.name for g in KNOWN.search("gest")] == ["Gestures"]
    assert KNOWN.search("violin") == ()


def test_a_sentence_that_was_taught_as_it_stands_is_known_whoever_does_it():
    assert KNOWN.is_whole("A tired man walks forward, then bows.")
    assert not KNOWN.is_whole("a person walks forward, then runs")


def test_another_format_is_no_knowledge():
    values = json.loads(to_bytes(KNOWN)) | {"format": 2}
    assert from_values(values) is None
