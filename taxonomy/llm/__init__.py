"""Asking language models: clients, limits, checked answers, and what is stored."""
