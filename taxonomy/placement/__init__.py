"""New values in an existing taxonomy, without building it again.

The domain goes by likeness to the examples that the taxonomy was built with, as in a build; within it, a value belongs
to the node of level 1 whose values' mean vector lies nearest. A taxonomy without examples goes by the nearest node.
"""

from taxonomy.placement.assigned import Assigned, Assignment, add_assigned
from taxonomy.placement.assignments import assign, place_values
from taxonomy.placement.spark_placement import SparkAssigned, assign_on_spark

__all__ = [
    "Assigned",
    "Assignment",
    "SparkAssigned",
    "add_assigned",
    "assign",
    "assign_on_spark",
    "place_values",
]
