"""Prompts as text: their parts, and what of them a bundle knows. Standard library alone, so that
the panel, the batch and the worker say the same."""
