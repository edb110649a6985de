"""What conversations say: one module a question."""
