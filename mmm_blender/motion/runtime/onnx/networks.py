"""The networks of a bundle in ONNX Runtime: no torch, on the processor.

B batch, T frames, C feature channels, L token places, S places with the sentence in front (L + 1),
P columns of the grid, Q of them predicted, D code dimension, K motion codes, E width, W words,
N wanted places, F numbers of the path condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ....common.arrays import AnyArray, BoolArray, IntArray
from ....common.errors import MMMError
from ...bundles.tensor_shapes import predicted_columns
from ...config import TokenizerConfig, TransformerConfig
from ...features.upper_height import UpperHeight
from ...text import TextFeatures
from ..interface import Float32Array
from .layers import Weights
from .model_file import Graph
from .session import LIBRARY, Session
from .tokenizer import decoder_graph, encoder_graph
from .transformer import logits_graph, path_graph, text_graph

_UNTRAINED = ("position_SE", "codebook_KD", "mean_C", "std_C", "mean_U", "std_U")
_SENTENCE_AND_END = 2  # places that are attended to besides the motion tokens
NO_GUIDANCE_TAUGHT = "These weights were trained without guidance: set the guidance to 1."


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A text and a path, as inputs of the graph of logits."""

    memory: Mapping[str, AnyArray]
    path_BLE: AnyArray | None


class OnnxNetworks:
    """See ``interface.Networks``. Sessions are opened when they are first needed: a motion from a
    prompt needs no encoder."""

    device = "cpu"
    library = LIBRARY

    def __init__(
        self,
        tokenizer: TokenizerConfig,
        transformer: TransformerConfig,
        tokenizer_weights: Weights,
        transformer_weights: Weights,
        threads: int,
    ) -> None:
        self.tokenizer = tokenizer
        self.transformer = transformer
        self.threads = threads
        self.parameters = _trained(tokenizer_weights) + _trained(transformer_weights)
        layout = tokenizer.feature_layout
        self._part_channels = [layout.part_channels(part) for part in tokenizer.parts]
        self._order_C = np.argsort(np.concatenate(self._part_channels), kind="stable")
        self._columns = predicted_columns(transformer, tokenizer)
        self._text_session = self._opened(text_graph(transformer, transformer_weights))
        self._logits_session = self._opened(
            logits_graph(transformer, transformer_weights, len(self._columns))
        )
        self._decoders = [
            self._opened(decoder_graph(tokenizer, tokenizer_weights, part))
            for part in range(len(tokenizer.parts))
        ]
        # copies, so that what the files held is given back
        kept = {name: v for name, v in tokenizer_weights.items() if ".decoder." not in name}
        kept |= {name: v for name, v in transformer_weights.items() if _is_small(name)}
        self._kept = {name: np.array(values) for name, values in kept.items()}

    @property
    def mean_C(self) -> Float32Array:
        """Mean of the features, in the layout's units."""
        return self._numbers("mean_C")

    @property
    def std_C(self) -> Float32Array:
        """Deviation of the features, in the layout's units."""
        return self._numbers("std_C")

    def encode(self, features_BTC: Float32Array) -> IntArray:
        """Motion tokens (B, L, P); T a multiple of the token's frames."""
        if self._upper_height is not None:
            features_BTC = self._upper_height.to_relative(features_BTC)
        columns: list[IntArray] = []
        for part, channels in enumerate(self._part_channels):
            given = {"features_BTC": features_BTC[..., channels].astype(np.float32)}
            latent_BLD = self._encoders[part].run(given)["latent_BLD"]
            books = self._codebooks[part]
            slices = np.split(latent_BLD, len(books), axis=-1)
            columns += [self._nearest(each, book) for each, book in zip(slices, books, strict=True)]
        return np.stack(columns, axis=-1)

    def decode(self, tokens_BLP: IntArray) -> Float32Array:
        """Features (B, T, C) of motion tokens, no END or PAD among them."""
        parts, first = list[Float32Array](), 0
        for part, books in enumerate(self._codebooks):
            parts.append(self.decode_part(part, tokens_BLP[..., first : first + len(books)]))
            first += len(books)
        features_BTC = np.concatenate(parts, axis=-1)[..., self._order_C]
        if self._upper_height is None:
            return features_BTC
        return self._upper_height.to_absolute(features_BTC).astype(np.float32)

    def decode_part(self, part: int, tokens_BLP: IntArray) -> Float32Array:
        """Of one body part alone: its columns' tokens to its channels."""
        books = self._codebooks[part]
        vectors = [book_KD[tokens_BLP[..., at]] for at, book_KD in enumerate(books)]
        given = {"code_BLD": np.concatenate(vectors, axis=-1)}
        return self._decoders[part].run(given)["features_BTC"]

    def prepare(
        self, text: TextFeatures, drop_text_B: BoolArray | None, path_BLF: Float32Array | None
    ) -> _Prepared:
        """A text, and the path where the network was taught to follow one, for ``logits``."""
        sentence_BC, words_BWC, mask_BW = text.sentence_BC, text.words_BWC, text.word_mask_BW
        if drop_text_B is not None:
            if not self.transformer.trained_with_guidance:
                raise MMMError(NO_GUIDANCE_TAUGHT)
            drop_B1 = drop_text_B[:, None]
            no_text_C = self._numbers("no_text_C")
            sentence_BC = np.where(drop_B1, no_text_C, sentence_BC)
            words_BWC = np.where(drop_B1[..., None], no_text_C, words_BWC)
            mask_BW = mask_BW | drop_B1  # all words are alike, so which are seen does not matter
        memory = self._text_session.run(
            {
                "sentence_BC": sentence_BC.astype(np.float32),
                "words_BWC": words_BWC.astype(np.float32),
            }
        )
        memory["sees_BW"] = mask_BW.astype(np.int32)
        conditioned = path_BLF is not None and self.transformer.path_condition
        return _Prepared(memory, self._path(path_BLF) if conditioned else None)

    def logits(
        self, tokens_BLP: IntArray, lengths_B: IntArray, prepared: _Prepared, wanted_BL: BoolArray
    ) -> Float32Array:
        """Logits (N, Q, K) of the wanted places, row by row."""
        places = tokens_BLP.shape[1]
        position_SE = self._numbers("position_SE")
        added_BLE = position_SE[None, :places]
        if prepared.path_BLE is not None:
            added_BLE = added_BLE + prepared.path_BLE
        row_N, place_N = np.nonzero(wanted_BL)
        sees_BS = np.arange(places + 1) < lengths_B[:, None] + _SENTENCE_AND_END
        vectors = [
            table_VD[tokens_BLP[..., column]] for column, table_VD in enumerate(self._vectors)
        ]
        given = dict(prepared.memory) | {
            "vectors_BLV": np.concatenate(vectors, axis=-1),
            "added_BLE": added_BLE,
            "places_1SE": position_SE[None, : places + 1],
            "sees_BS": sees_BS.astype(np.int32),
            "wanted_N": row_N * (places + 1) + place_N + 1,
        }
        logits = self._logits_session.run(given)["logits"]
        return logits.reshape(len(row_N), len(self._columns), self.tokenizer.codes)

    def _path(self, path_BLF: Float32Array | None) -> Float32Array:
        """What is added to the places (B, L, E)."""
        assert path_BLF is not None
        rows, places = path_BLF.shape[:2]
        given = {"path_NF": path_BLF.reshape(rows * places, -1).astype(np.float32)}
        return self._path_session.run(given)["path_NE"].reshape(rows, places, -1)

    def _nearest(self, latent_BLD: Float32Array, book_KD: Float32Array) -> IntArray:
        """Number of the nearest code (B, L)."""
        if self.tokenizer.levels:  # within the grid of codes
            latent_BLD = np.tanh(latent_BLD)
        # |v - c|^2 without |v|^2, which is the same for all codes
        distance_BLK = (book_KD * book_KD).sum(1) - 2 * latent_BLD @ book_KD.T
        return distance_BLK.argmin(-1).astype(np.int64)

    @cached_property
    def _encoders(self) -> list[Session]:
        return [
            self._opened(encoder_graph(self.tokenizer, self._kept, part))
            for part in range(len(self.tokenizer.parts))
        ]

    @cached_property
    def _path_session(self) -> Session:
        return self._opened(path_graph(self.transformer, self._kept))

    @cached_property
    def _codebooks(self) -> list[list[Float32Array]]:
        """The codebooks (K, D) of every part."""
        return [
            [self._numbers(f"parts.{part}.codebooks.{at}.codebook_KD") for at in range(count)]
            for part, count in enumerate(self.tokenizer.part_codebooks.values())
        ]

    @cached_property
    def _vectors(self) -> list[Float32Array]:
        """For each column the vectors of its codes, and of END, PAD and MASK."""
        special_3D = self._numbers("special_3D")
        return [
            np.concatenate([book_KD, special_3D]) for part in self._codebooks for book_KD in part
        ]

    @cached_property
    def _upper_height(self) -> UpperHeight | None:
        if not self.tokenizer.upper_height_relative:
            return None
        names = ("mean_C", "std_C", "upper_height.mean_U", "upper_height.std_U")
        return UpperHeight(self.tokenizer.feature_layout, *map(self._numbers, names))

    def _numbers(self, name: str) -> Float32Array:
        return self._kept[name].astype(np.float32, copy=False)

    def _opened(self, graph: Graph) -> Session:
        return Session(graph, self.threads)


def _is_small(name: str) -> bool:
    """Whether a tensor of the transformer is used beside its main graphs."""
    return name.startswith("embed_path.") or name in ("position_SE", "special_3D", "no_text_C")


def _trained(weights: Weights) -> int:
    """Numbers that training changed by gradients: all but tables and statistics."""
    return sum(
        values.size for name, values in weights.items() if name.rsplit(".", 1)[-1] not in _UNTRAINED
    )
