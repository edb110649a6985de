"""Whether the strings of an extraction, which may leave, tell of anybody."""
