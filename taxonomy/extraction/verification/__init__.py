"""People check what was extracted: a sample for them, a page to judge it on, and what their answers say."""
