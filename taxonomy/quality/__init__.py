"""How good a taxonomy is."""
