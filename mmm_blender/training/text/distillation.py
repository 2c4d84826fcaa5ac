"""Distil a sentence encoder into the small student that bundles carry.

The teacher is a BERT-like sentence encoder in a local folder: its mean over tokens is the sentence,
its last layer the words. All vectors are compared as directions (for unit vectors the mean squared
error is the cosine loss twice over), and a batch's similarities to one another must match too.
Shapes: N sentences, B batch, W token places, C teacher channels, V vocabulary, R embedding rank.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...common.errors import MMMError
from ...motion.networks.text.student import StudentConfig, StudentTextModel, pad_tokens
from ...motion.text.wordpiece import WordPieceTokenizer

WORD_WEIGHT, RELATION_WEIGHT = 0.5, 5.0
TEACHER_BATCH = 256
# Batches are cut from this many shuffled ones sorted by length, so that little is padding.
BATCHES_SORTED_TOGETHER = 32


class Teacher:
    """The encoder to learn from, frozen: token ids to unit vectors."""

    def __init__(self, model: Any, tokenizer: WordPieceTokenizer, max_tokens: int) -> None:
        self._model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens

    @classmethod
    def load(cls, folder: Path, max_tokens: int) -> Teacher:
        """Read a folder in the transformers layout, with ``vocab.txt`` beside the weights."""
        try:
            from transformers import BertModel  # noqa: PLC0415
        except ImportError as error:
            raise MMMError(
                "The teacher needs the package transformers: install the development requirements."
            ) from error
        tokenizer = WordPieceTokenizer.from_file(folder / "vocab.txt")
        return cls(BertModel.from_pretrained(str(folder)), tokenizer, max_tokens)

    @property
    def input_table_VC(self) -> Tensor:
        """The teacher's own word embeddings."""
        return self._model.embeddings.word_embeddings.weight.detach()

    def tokenize(self, sentences: Sequence[str]) -> list[list[int]]:
        """Give every sentence's ids."""
        return [self.tokenizer.encode(sentence, self.max_tokens) for sentence in sentences]

    @torch.no_grad()
    def forward(self, ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor, Tensor]:
        """Give (sentence_BC, words_BWC, mask_BW), vectors of length one."""
        ids_BW, mask_BW = pad_tokens(ids, self.tokenizer.pad_id)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = self._model(input_ids=ids_BW, attention_mask=mask_BW.long())
        words_BWC = output.last_hidden_state.float()
        mean_BC = (words_BWC * mask_BW.unsqueeze(-1)).sum(1) / mask_BW.sum(1, keepdim=True)
        unit_BWC = functional.normalize(words_BWC, dim=-1)
        return functional.normalize(mean_BC, dim=-1), unit_BWC, mask_BW

    def sentences(self, sentences: Sequence[str]) -> Tensor:
        """Give the unit sentence vectors alone."""
        return self.forward(self.tokenize(sentences))[0]


@dataclass(frozen=True, eq=False)
class Targets:
    """What the teacher says of N sentences; words lie end to end, in float16."""

    ids: list[list[int]]
    sentence_NC: Tensor
    words: Tensor  # (all tokens of all sentences, C)
    starts: list[int]  # where each sentence's words begin

    @classmethod
    def ask(
        cls, teacher: Teacher, sentences: Sequence[str], on_batch: Callable[[int], object]
    ) -> Targets:
        """Run the teacher over all sentences; ``on_batch`` hears how many are done each time."""
        ids = teacher.tokenize(sentences)
        lengths = [len(row) for row in ids]
        starts = [0, *np.cumsum(lengths).tolist()]
        width = teacher.input_table_VC.shape[1]
        sentence_NC = torch.empty(len(ids), width, dtype=torch.float16)
        words = torch.empty(starts[-1], width, dtype=torch.float16)
        by_length = sorted(range(len(ids)), key=lengths.__getitem__)
        for first in range(0, len(ids), TEACHER_BATCH):
            rows = by_length[first : first + TEACHER_BATCH]
            sentence_BC, words_BWC, _ = teacher.forward([ids[row] for row in rows])
            sentence_NC[rows] = sentence_BC.half()
            for place, row in enumerate(rows):
                words[starts[row] : starts[row + 1]] = words_BWC[place, : lengths[row]].half()
            on_batch(len(rows))
        return cls(ids, sentence_NC, words, starts)

    def batch(self, rows: Sequence[int], pad_id: int) -> Batch:
        """Gather some sentences, padded to the longest."""
        ids_BW, mask_BW = pad_tokens([self.ids[row] for row in rows], pad_id)
        words_BWC = torch.zeros(*ids_BW.shape, self.words.shape[1])
        for place, row in enumerate(rows):
            words_BWC[place, : len(self.ids[row])] = self.words[
                self.starts[row] : self.starts[row + 1]
            ].float()
        return Batch(ids_BW, mask_BW, self.sentence_NC[list(rows)].float(), words_BWC)


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's input and what is asked for."""

    ids_BW: Tensor
    mask_BW: Tensor
    sentence_BC: Tensor
    words_BWC: Tensor


@torch.no_grad()
def initial_table(teacher: Teacher, rank: int) -> Tensor:
    """Factorise what the teacher makes of every vocabulary entry to (V, R), unit variance a column.

    An entry is known by its input embedding and by the teacher's output for it alone; the leading
    principal components of both together begin the student's table with meaning in it.
    """
    vocabulary = len(teacher.tokenizer)
    start, _, end = teacher.tokenizer.encode("a", 3)
    outputs: list[Tensor] = []
    for first in range(0, vocabulary, TEACHER_BATCH):
        entries = range(first, min(first + TEACHER_BATCH, vocabulary))
        sentence_BC, _, _ = teacher.forward([[start, entry, end] for entry in entries])
        outputs.append(sentence_BC)
    views = [functional.normalize(teacher.input_table_VC.float(), dim=-1), torch.cat(outputs)]
    both = torch.cat([_centred(view) for view in views], dim=1)
    _, _, axes = torch.linalg.svd(both.T @ both)
    table_VR = both @ axes[:rank].T
    return table_VR / table_VR.std(dim=0).mean()


def _centred(view: Tensor) -> Tensor:
    view = view - view.mean(dim=0)
    return view / view.norm(dim=1).mean()


def make_student(config: StudentConfig, teacher: Teacher) -> StudentTextModel:
    """Build a student whose embedding table begins as the teacher's, factorised."""
    model = StudentTextModel(config)
    with torch.no_grad():
        model.embedding.weight.copy_(initial_table(teacher, config.rank))
    return model


def distillation_loss(sentence_BC: Tensor, words_BWC: Tensor, batch: Batch) -> Tensor:
    """Ask for the teacher's directions, and for the same similarities within the batch."""
    sentence_BC = functional.normalize(sentence_BC.float(), dim=-1)
    words_BWC = functional.normalize(words_BWC.float(), dim=-1)
    sentence_loss = 1 - (sentence_BC * batch.sentence_BC).sum(-1).mean()
    cosine_BW = (words_BWC * batch.words_BWC).sum(-1)
    word_loss = 1 - cosine_BW[batch.mask_BW].mean()
    relation_loss = functional.mse_loss(
        sentence_BC @ sentence_BC.T, batch.sentence_BC @ batch.sentence_BC.T
    )
    return sentence_loss + WORD_WEIGHT * word_loss + RELATION_WEIGHT * relation_loss


class LengthBatches:
    """Batches of rows of like length; which rows a step takes depends on its number alone."""

    def __init__(
        self, lengths: Sequence[int], rows: Sequence[int], batch_size: int, seed: int
    ) -> None:
        self._lengths, self._rows = lengths, list(rows)
        self._batch_size, self._seed = batch_size, seed
        self._round, self._batches = -1, list[list[int]]()

    def rows_of(self, step: int) -> list[int]:
        """Give a step's rows; every row comes once before any comes again."""
        steps_a_round = len(self._batches) or len(self._shuffled(0))
        if step // steps_a_round != self._round:
            self._round = step // steps_a_round
            self._batches = self._shuffled(self._round)
        return self._batches[step % steps_a_round]

    def _shuffled(self, round_number: int) -> list[list[int]]:
        rng = random.Random(f"{self._seed} {round_number}")
        order = rng.sample(self._rows, len(self._rows))
        chunk = self._batch_size * BATCHES_SORTED_TOGETHER
        batches: list[list[int]] = []
        for first in range(0, len(order), chunk):
            part = sorted(order[first : first + chunk], key=self._lengths.__getitem__)
            batches += [
                part[i : i + self._batch_size] for i in range(0, len(part), self._batch_size)
            ]
        rng.shuffle(batches)
        return batches


def batch_loss(model: StudentTextModel, batch: Batch) -> Tensor:
    """Run the student on a batch in bfloat16 and compare with the teacher."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        sentence_BC, words_BWC = model(batch.ids_BW, batch.mask_BW)
    return distillation_loss(sentence_BC, words_BWC, batch)


@torch.no_grad()
def mean_cosines(model: StudentTextModel, targets: Targets, pad_id: int) -> tuple[float, float]:
    """Measure (sentence, word) cosine to the teacher, averaged over all sentences and tokens."""
    sentences: list[Tensor] = []
    words: list[Tensor] = []
    for first in range(0, len(targets.ids), TEACHER_BATCH):
        rows = range(first, min(first + TEACHER_BATCH, len(targets.ids)))
        batch = targets.batch(rows, pad_id)
        sentence_BC, words_BWC = model(batch.ids_BW, batch.mask_BW)
        sentences.append(functional.cosine_similarity(sentence_BC, batch.sentence_BC, dim=-1))
        cosine_BW = functional.cosine_similarity(words_BWC, batch.words_BWC, dim=-1)
        words.append(cosine_BW[batch.mask_BW])
    return torch.cat(sentences).mean().item(), torch.cat(words).mean().item()


def nearest(query_QC: Tensor, seen_SC: Tensor, count: int) -> list[list[int]]:
    """Rank the ``count`` nearest seen vectors for each query, by cosine."""
    similarity_QS = functional.normalize(query_QC, dim=-1) @ functional.normalize(seen_SC, dim=-1).T
    return similarity_QS.topk(count, dim=-1).indices.tolist()
