"""Read and canonicalise value strings.

Strings with weights are cleaned, spellings of one value are merged, strings that are not values are rejected with a
reason, strings that list several values are split, and the rest is a `ValueSet`, which accounts for every string.
"""

from taxonomy.values.canonical import canonical_key, clean, label_problem, reason_to_reject
from taxonomy.values.cells import WeightUnit
from taxonomy.values.gathering import Rejection
from taxonomy.values.spellings import SpellingIndex, Value, is_one_value, value_keys
from taxonomy.values.twins import Twin, find_twins
from taxonomy.values.value_set import ValueSet, ValueSource, read_values

__all__ = [
    "Rejection",
    "SpellingIndex",
    "Twin",
    "Value",
    "ValueSet",
    "ValueSource",
    "WeightUnit",
    "canonical_key",
    "clean",
    "find_twins",
    "is_one_value",
    "label_problem",
    "read_values",
    "reason_to_reject",
    "value_keys",
]
