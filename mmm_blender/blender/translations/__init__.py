"""Labels and tooltips in German, Japanese and Chinese."""
