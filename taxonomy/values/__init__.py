"""Read and canonicalise value strings.

Strings with weights are cleaned, spelling twins are merged, what is no value is set aside
with a reason, and the rest is a `ValueSet`. Nothing is dropped without a trace:
rows = values + aliases + repeats + rejected.
"""

from taxonomy.values.canonical import canonical_key, clean
from taxonomy.values.cells import WeightUnit
from taxonomy.values.spellings import Value
from taxonomy.values.value_set import Rejection, ValueSet, read_values

__all__ = ["Rejection", "Value", "ValueSet", "WeightUnit", "canonical_key", "clean", "read_values"]
