"""Large files of conversations are read in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MEASURE = """
import re, sys, taxonomy
with taxonomy.open_conversations(sys.argv[1]) as conversations:
    kept = sum(1 for _ in conversations)
print(kept, int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024)
"""


def write_export(path: Path, megabytes: int) -> int:
    """Write a ChatGPT export of that size, and return its conversations."""
    text = "One should say what one knows, and what one does not know. " * 8
    written = count = 0
    with path.open("w") as file:
        file.write("[")
        while written < megabytes << 20:
            tree: dict[str, Any] = {"root": {"parent": None, "message": None, "children": ["0"]}}
            for number in range(20):
                role = ("user", "assistant")[number % 2]
                message = {"author": {"role": role}, "content": {"content_type": "text", "parts": [f"{count} {text}"]}}
                tree[str(number)] = {
                    "parent": str(number - 1) if number else "root",
                    "message": message,
                    "children": [],
                }
            record = json.dumps({"id": f"c{count}", "mapping": tree, "current_node": "19", "create_time": 1767600000})
            file.write(("," if count else "") + record)
            written, count = written + len(record), count + 1
        file.write("]")
    return count


def measure(path: Path) -> tuple[int, int]:
    """Return the conversations of a file, and the memory in MB that a process takes to read it."""
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kept, memory = map(int, done.stdout.split())
    return kept, memory


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    memory = []
    for size in (1, 8):
        path = tmp_path / f"{size}.json"
        count = write_export(path, size)
        kept, used = measure(path)
        assert kept == count
        memory.append(used)
    assert memory[1] < 400
    # What is stored is held up to 32 MB of it; whole, the file would take 70.
    assert memory[1] - memory[0] < 30


@pytest.mark.slow
def test_a_gigabyte_is_read_in_400_mb(tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    count = write_export(path, 1024)
    kept, memory = measure(path)
    print(f"{path.stat().st_size / 1e9:.2f} GB, {kept:,} conversations, {memory} MB")
    assert kept == count
    assert memory < 400
