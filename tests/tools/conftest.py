"""What the tests of the commands share with those of the batch."""

from tests.batch.conftest import tiny_bundle

__all__ = ["tiny_bundle"]
