"""Weights on disk: bundles, and the published checkpoints that become bundles."""
