"""What is measured, how much of it, and what is allowed."""

from __future__ import annotations

# The published strings, and the conversations of the published study.
SMALL = 3307
STUDY = 308_210
SIZES = (SMALL, 20_000, 100_000)
MILLION = 1_000_000
ROWS = 5_000_000
# Ward holds all distances: 100,000 values would need 40 GB.
WARD_MOST = 20_000
# Commands that read a tree of a million values, or two.
COMMANDS = ("show", "export", "lint", "diff", "apply-edits")
# Seconds, megabytes and milliseconds at most, by part and figure.
LIMITS = {
    "main_job": {"cold_seconds": 40, "stored_seconds": 25, "help_seconds": 0.3},
    "starting": {"first_string_seconds": 1.5, "job_to_encode": 0.8},
    "gpu": {"encode_to_ours": 0.2, "million_seconds": 20},
    "labelling": {"seconds": 3},
    "page": {"interactive_seconds": 1.5, "search_milliseconds": 50, "page_megabytes": 8},
    "build 100000": {"seconds": 25, "megabytes": 4000},
    "assign 100000": {"seconds": 20},
    f"million {MILLION}": {"build_seconds": 240, "build_megabytes": 8000}
    | {f"{command}_seconds": 60 for command in COMMANDS}
    | {f"{command}_megabytes": 6000 for command in COMMANDS},
    f"report {STUDY}": {"invented_seconds": 60, "seconds": 60, "megabytes": 3000},
    f"counting {ROWS}": {"seconds": 10},
}
