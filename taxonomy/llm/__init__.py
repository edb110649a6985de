"""Asking language models: providers, outcomes, limits, what is stored and what it costs; `engine` puts them together."""
