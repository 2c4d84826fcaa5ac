"""From captured files to examples: sources, retargeting, labels, captions."""
