"""Vectors to levels of parents: one module a method, one for the recursion."""
