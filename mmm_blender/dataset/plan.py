"""Rows of a table to shards, one after another: nothing is held but the shard that is filling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .key_index import STORED, KeyIndex
from .ledger import Ledger
from .maker import Failure
from .shards import ShardTask
from .wanted import BrokenRow, WantedClip


class Plan:
    """The rows of a table on their way to shards. tasks: shards of what is still to be made, in the
    table's order; other rows are noted in the ledger as they are met. most_shards: if all were."""

    def __init__(
        self,
        rows: Iterable[WantedClip | BrokenRow],
        index: KeyIndex,
        ledger: Ledger,
        bundle_hash: str,
        rows_per_shard: int,
    ) -> None:
        self.ledger = ledger
        self._index, self._bundle_hash = index, bundle_hash
        self.most_shards = max(1, -(-ledger.total // rows_per_shard))
        self.tasks = self._shards(rows, rows_per_shard)

    def _shards(
        self, rows: Iterable[WantedClip | BrokenRow], rows_per_shard: int
    ) -> Iterator[ShardTask]:
        filling: list[WantedClip] = []
        for row in rows:
            self.ledger.counts.rows += 1
            if isinstance(row, BrokenRow):
                self.ledger.failed(Failure(row.line, row.name, row.sentence))
            elif self._is_new(row):
                filling.append(row)
            if len(filling) == rows_per_shard:
                yield ShardTask.of(filling, self._bundle_hash)
                filling = []
        if filling:
            yield ShardTask.of(filling, self._bundle_hash)

    def _is_new(self, row: WantedClip) -> bool:
        line = self._index.first_line(row.key(self._bundle_hash), row.line)
        if line is None:
            return True
        if line == STORED:
            self.ledger.counts.stored_before += 1
        else:
            sentence = f"It has the name and seed of line {line} and is made once: see that one."
            self.ledger.repeated(Failure(row.line, row.name, sentence))
        return False
