"""A report for those who answer for a model: every question, its figures with intervals, method and limits."""
