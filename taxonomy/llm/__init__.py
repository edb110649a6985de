"""Asking language models: providers, outcomes, limits, what is stored, what it costs; `engine` is the whole."""
