"""One module a format of conversations.

Each has `recognize(record)`, which says whether a record is likely to be of its format, and `read(record)`, which
yields what the record holds of conversations, or raises an UnreadableError. The module's name is the format's.
Nothing else knows of it: whoever adds a module adds a format.
"""
