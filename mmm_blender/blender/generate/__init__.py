"""Generate Motion."""
