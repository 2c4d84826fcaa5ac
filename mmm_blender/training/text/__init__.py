"""The text encoder's training: sentences, lexicon, distillation."""
