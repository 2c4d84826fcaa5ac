import random
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from mmm_blender.motion.networks.text.student import StudentConfig, StudentTextModel
from mmm_blender.motion.text.wordpiece import WordPieceTokenizer
from mmm_blender.training.data.motion_file import ClipRecord
from mmm_blender.training.text import corpus as text_corpus
from mmm_blender.training.text import lexicon as text_lexicon
from mmm_blender.training.text.distillation import (
    LengthBatches,
    Targets,
    Teacher,
    batch_loss,
    make_student,
    mean_cosines,
    nearest,
)
from mmm_blender.training.trainer.loop import Plan, Run, train

TEXT = "a the person man old tired walks runs jumps waves sits slowly quickly forward left"
WORDS = TEXT.split()
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
MAX_TOKENS = 8
STEPS = 100


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    """A tiny teacher with random weights: its outputs still depend on every word."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(PIECES), hidden_size=24, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=MAX_TOKENS,
    )  # fmt: skip
    return Teacher(BertModel(config), WordPieceTokenizer(PIECES), MAX_TOKENS)


@pytest.fixture(scope="module")
def targets(teacher: Teacher) -> Targets:
    rng = random.Random(0)
    sentences = [" ".join(rng.choices(WORDS, k=rng.randint(1, 6))) for _ in range(300)]
    done: list[int] = []
    targets = Targets.ask(teacher, sentences, done.append)
    assert sum(done) == len(sentences)
    return targets


def small_student(teacher: Teacher) -> StudentTextModel:
    config = StudentConfig(
        vocabulary=len(PIECES), rank=12, inner_width=32, layers=1, heads=2, mlp_width=32, width=24,
        max_tokens=MAX_TOKENS,
    )  # fmt: skip
    return make_student(config, teacher)


def test_targets_are_the_teachers_vectors_in_the_order_asked(
    teacher: Teacher, targets: Targets
) -> None:
    rows = [7, 250, 3]
    batch = targets.batch(rows, teacher.tokenizer.pad_id)
    sentence_BC, words_BWC, mask_BW = teacher.forward([targets.ids[row] for row in rows])
    assert torch.equal(batch.mask_BW, mask_BW)
    assert torch.allclose(batch.sentence_BC, sentence_BC, atol=1e-2)  # float16 of bfloat16 sums
    assert torch.allclose(batch.words_BWC[mask_BW], words_BWC[mask_BW], atol=1e-2)


def test_training_brings_the_student_to_its_teacher(
    teacher: Teacher, targets: Targets, tmp_path: Path
) -> None:
    pad_id = teacher.tokenizer.pad_id
    model = small_student(teacher)
    before, words_before = mean_cosines(model, targets, pad_id)
    lengths = [len(ids) for ids in targets.ids]
    batches = LengthBatches(lengths, range(len(lengths)), 50, seed=0)
    plan = Plan(minutes=1, rate=2e-2, steps=STEPS)
    losses = train(
        Run.start(model, plan),
        plan,
        lambda step: batch_loss(model, targets.batch(batches.rows_of(step), pad_id)),
        tmp_path / "run.checkpoint",
        "student",
    )
    assert len(list(losses)) == STEPS
    after, words_after = mean_cosines(model, targets, pad_id)
    assert max(before, words_before) < 0.5
    assert after > 0.9
    assert words_after > 0.8


def test_the_table_begins_with_the_teachers_neighbourhoods(teacher: Teacher) -> None:
    table_VR = small_student(teacher).embedding.weight.detach()
    words = slice(4, None)
    likeness = torch.nn.functional.cosine_similarity(table_VR[words, None], table_VR[words], dim=-1)
    theirs = teacher.sentences(WORDS)
    theirs = torch.nn.functional.normalize(theirs - theirs.mean(dim=0), dim=-1)
    both = torch.stack([likeness.flatten(), (theirs @ theirs.T).flatten()])
    assert torch.corrcoef(both)[0, 1] > 0.5


def test_a_round_of_batches_has_every_row_once() -> None:
    batches = LengthBatches([1, 2, 3, 4, 5, 6, 7], range(7), 3, seed=0)
    rounds = [
        [row for step in steps for row in batches.rows_of(step)] for steps in ((0, 1, 2), (3, 4, 5))
    ]
    assert [sorted(rows) for rows in rounds] == [list(range(7))] * 2


def test_a_steps_rows_do_not_depend_on_the_steps_before() -> None:
    lengths = list(range(40))
    walked = LengthBatches(lengths, range(40), 4, seed=1)
    jumped = LengthBatches(lengths, range(40), 4, seed=1)
    assert [walked.rows_of(step) for step in range(25)][-1] == jumped.rows_of(24)


def test_nearest_ranks_by_direction() -> None:
    seen = torch.tensor([[1.0, 0.0], [0.0, 5.0], [-1.0, 0.0]])
    assert nearest(torch.tensor([[0.1, 2.0]]), seen, 2) == [[1, 0]]


def test_the_corpus_is_reproducible_and_without_doubles() -> None:
    vocabulary = ["[PAD]", "##s", "dog", "running", "élan", "x1", "at"]
    sentences = text_corpus.make_corpus(4000, vocabulary, seed=4)
    assert sentences == text_corpus.make_corpus(4000, vocabulary, seed=4)
    assert len(set(sentences)) == 4000
    assert {"dog", "running"} <= set(sentences)
    assert text_corpus.plain_words(vocabulary) == ["dog", "running"]
    assert sum("person" in s for s in sentences) > 100


def test_captions_of_clips_are_drawn_mirrored_too_and_once() -> None:
    record = ClipRecord("c", "c", "bandai", "walk-turn-left", "elderly", "", 100)
    captions = text_corpus.draw_captions([record, record], per_clip=5)
    assert len(set(captions)) == len(captions)
    assert any("left" in text for text in captions)
    assert any("right" in text for text in captions)


def test_held_out_words_take_their_inflections_with_them() -> None:
    held = [w for w in text_lexicon.VERBS if text_corpus.is_held_out(w) and len(w) >= 5]
    assert held
    for verb in held:
        assert text_corpus.has_held_out(f"a person {text_lexicon.third_person(verb)} forward")
    assert not text_corpus.has_held_out("a person walks forward")


@pytest.mark.parametrize(
    ("verb", "third", "ing", "ed"),
    [
        ("walk", "walks", "walking", "walked"),
        ("carry", "carries", "carrying", "carried"),
        ("crouch", "crouches", "crouching", "crouched"),
        ("hop", "hops", "hopping", "hopped"),
        ("lie", "lies", "lying", "lay"),
        ("dance", "dances", "dancing", "danced"),
        ("flee", "flees", "fleeing", "fled"),
        ("tiptoe", "tiptoes", "tiptoeing", "tiptoed"),
        ("play", "plays", "playing", "played"),
    ],
)
def test_verbs_inflect(verb: str, third: str, ing: str, ed: str) -> None:
    found = (text_lexicon.third_person(verb), text_lexicon.gerund(verb), text_lexicon.past(verb))
    assert found == (third, ing, ed)
