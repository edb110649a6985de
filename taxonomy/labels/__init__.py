"""Names and definitions for nodes."""
