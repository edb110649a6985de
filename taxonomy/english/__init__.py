"""English: word lists as data, and the rules that use them."""
