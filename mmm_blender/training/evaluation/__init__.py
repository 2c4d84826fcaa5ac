"""What generated motion is judged by: the evaluator, metrics, tables."""
