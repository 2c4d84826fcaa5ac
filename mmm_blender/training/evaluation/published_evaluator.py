"""The evaluators that the field publishes (Guo et al., CVPR 2022), from a person's own files.

A folder holds, under these names (KIT-ML's are called the same):

finest.tar                    the networks: movement, motion and text encoder
mean.npy, std.npy             what the evaluator's features are normalised with
our_vab_data.npy, ..words.pkl, ..idx.pkl    GloVe vectors of the vocabulary

Nothing in the files is run. Every size follows from the tensors' shapes.
B batch, T frames, C channels, S steps of four frames, W words, D width, E embedding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from ...common.arrays import AnyArray, FloatArray
from ...common.errors import MMMError
from ...motion.bundles.published_checkpoint import read_checkpoint, read_statistics
from ...motion.networks.weights import load_weights
from .evaluator import FRAMES_PER_STEP, MAX_FRAMES
from .word_vectors import Word, WordVectors

NETWORKS_FILE, MEAN_FILE, STD_FILE = "finest.tar", "mean.npy", "std.npy"
_CONTACTS = 4  # channels at the end of a feature vector, which the movement encoder does not see
_SLOPE = 0.2  # of the leaky ReLUs
_BATCH = 64
_GET_AGAIN = "get the evaluator's files again."

Tensors = Mapping[str, Tensor]
_Network = TypeVar("_Network", bound=nn.Module)


class MovementEncoder(nn.Module):
    """Two strided convolutions and a linear layer: features to one vector every four frames."""

    def __init__(self, channels: int, width: int, out: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv1d(channels, width, 4, stride=2, padding=1),
            nn.Identity(),  # dropout, in training
            nn.LeakyReLU(_SLOPE),
            nn.Conv1d(width, out, 4, stride=2, padding=1),
            nn.Identity(),
            nn.LeakyReLU(_SLOPE),
        )
        self.out_net = nn.Linear(out, out)

    def forward(self, features_BTC: Tensor) -> Tensor:
        """(B, S, D)."""
        return self.out_net(self.main(features_BTC.mT).mT)


class SequenceEncoder(nn.Module):
    """A bidirectional GRU with a learnt start, its last states through a small network."""

    def __init__(self, inner: int, width: int, out: int, given: int) -> None:
        super().__init__()
        self.input_emb = nn.Linear(given, inner)
        self.gru = nn.GRU(inner, width, batch_first=True, bidirectional=True)
        self.output_net = nn.Sequential(
            nn.Linear(2 * width, width),
            nn.LayerNorm(width),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(width, out),
        )
        self.hidden = nn.Parameter(torch.zeros(2, 1, width))

    def forward(self, x_BSD: Tensor, lengths_B: Tensor) -> Tensor:
        """Embeddings (B, E) of the first ``lengths_B`` steps of each row."""
        packed = pack_padded_sequence(
            self.input_emb(x_BSD), lengths_B, batch_first=True, enforce_sorted=False
        )
        start = self.hidden.expand(-1, len(lengths_B), -1).contiguous()
        _, last_2BD = self.gru(packed, start)
        return self.output_net(torch.cat([last_2BD[0], last_2BD[1]], dim=-1))


class PublishedText(SequenceEncoder):
    """The text encoder: each word's vector plus a vector of its part of speech."""

    def __init__(self, inner: int, width: int, out: int, given: int, kinds: int) -> None:
        super().__init__(inner, width, out, given)
        self.pos_emb = nn.Linear(kinds, given)


class PublishedEvaluator:
    """Features of HumanML3D's or KIT-ML's layout, and tagged sentences, to embeddings (N, E)."""

    def __init__(
        self,
        networks: tuple[MovementEncoder, SequenceEncoder, PublishedText],
        words: WordVectors,
        mean_C: Tensor,
        std_C: Tensor,
    ) -> None:
        self.movement, self.motion, self.text = networks
        for network in networks:
            network.eval().requires_grad_(False)
        self.words, self.mean_C, self.std_C = words, mean_C, std_C

    @property
    def channels(self) -> int:
        """Length of the feature vectors that the evaluator judges."""
        return len(self.mean_C)

    def embed_motion(self, features: Sequence[AnyArray]) -> FloatArray:
        """Features (T, C) of at least four frames, not normalised."""
        pieces = [self._motions(features[at : at + _BATCH]) for at in _starts(features)]
        return np.concatenate(pieces)

    def embed_text(self, sentences: Sequence[Sequence[Word]]) -> FloatArray:
        """Sentences as words with their parts of speech."""
        pieces = [self._sentences(sentences[at : at + _BATCH]) for at in _starts(sentences)]
        return np.concatenate(pieces)

    @torch.inference_mode()
    def _motions(self, features: Sequence[AnyArray]) -> FloatArray:
        # always as long as the longest motion: the networks were trained on rows padded so, and
        # the convolutions hear of it at a motion's end
        padded = torch.zeros(len(features), MAX_FRAMES, self.channels)
        lengths = torch.tensor([min(len(f), MAX_FRAMES) // FRAMES_PER_STEP for f in features])
        for row, feature in enumerate(features):
            frames = int(lengths[row]) * FRAMES_PER_STEP
            given = torch.from_numpy(np.asarray(feature[:frames], dtype=np.float32))
            padded[row, :frames] = (given - self.mean_C) / self.std_C
        steps = self.movement(padded[..., :-_CONTACTS])
        return self.motion(steps, lengths).double().numpy()

    @torch.inference_mode()
    def _sentences(self, sentences: Sequence[Sequence[Word]]) -> FloatArray:
        vectors, kinds, lengths = self.words.batch(sentences)
        tagged = vectors + self.text.pos_emb(kinds)
        return self.text(tagged, lengths).double().numpy()


def _starts(rows: Sequence[object]) -> range:
    return range(0, len(rows), _BATCH)


def load_published(folder: Path) -> PublishedEvaluator:
    """Read a folder of published files; MMMError says what is wrong with it."""
    path = folder / NETWORKS_FILE
    movement, motion, text = (
        read_checkpoint(path, f"{name}_encoder") for name in ("movement", "motion", "text")
    )
    words = WordVectors.load(folder)
    statistics = read_statistics(folder / MEAN_FILE, folder / STD_FILE)
    networks = (_movement(movement, path), _motion(motion, path), _text(text, path))
    channels = len(statistics.mean_C)
    seen = networks[0].main[0].in_channels
    if len(statistics.std_C) != channels or channels - _CONTACTS != seen:
        raise MMMError(
            f"{MEAN_FILE} and {STD_FILE} in {folder} are of {channels} and "
            f"{len(statistics.std_C)} channels, and the networks want {seen} + {_CONTACTS}: put "
            "the evaluator's own files there."
        )
    _check_words(networks[2], words, folder)
    return PublishedEvaluator(networks, words, statistics.mean_C, statistics.std_C)


def _check_words(text: PublishedText, words: WordVectors, folder: Path) -> None:
    if text.pos_emb.weight.shape != (words.width, words.kinds):
        raise MMMError(
            f"The word vectors in {folder} have {words.width} numbers and {words.kinds} parts of "
            f"speech, and the text encoder wants {tuple(text.pos_emb.weight.shape)}: {_GET_AGAIN}"
        )


def _sizes(tensors: Tensors, name: str, path: Path, axes: int) -> tuple[int, ...]:
    if name not in tensors or tensors[name].ndim != axes:
        raise MMMError(
            f"{path.name} lacks the tensor {name} or has it in another shape: {_GET_AGAIN}"
        )
    return tuple(tensors[name].shape)


def _movement(tensors: Tensors, path: Path) -> MovementEncoder:
    width, channels, _ = _sizes(tensors, "main.0.weight", path, 3)
    out, _, _ = _sizes(tensors, "main.3.weight", path, 3)
    return _filled(MovementEncoder(channels, width, out), tensors, path)


def _sequence_sizes(tensors: Tensors, path: Path) -> tuple[int, int, int, int]:
    """Inner width, GRU width, embedding, width of what is given."""
    inner, given = _sizes(tensors, "input_emb.weight", path, 2)
    _, _, width = _sizes(tensors, "hidden", path, 3)
    out, _ = _sizes(tensors, "output_net.3.weight", path, 2)
    return inner, width, out, given


def _motion(tensors: Tensors, path: Path) -> SequenceEncoder:
    return _filled(SequenceEncoder(*_sequence_sizes(tensors, path)), tensors, path)


def _text(tensors: Tensors, path: Path) -> PublishedText:
    _, kinds = _sizes(tensors, "pos_emb.weight", path, 2)
    return _filled(PublishedText(*_sequence_sizes(tensors, path), kinds), tensors, path)


def _filled(module: _Network, tensors: Tensors, path: Path) -> _Network:
    load_weights(module, tensors, path, _GET_AGAIN)
    return module
