"""Several prompts in a row."""
