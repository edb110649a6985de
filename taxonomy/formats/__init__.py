"""Forms of a taxonomy other than its JSON: one module a format."""
