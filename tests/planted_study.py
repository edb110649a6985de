"""A study of invented conversations, with a server that knows them: ``python -m tests.planted_study OUT``.

Nothing leaves the machine. Conversations and the truth about them are in ``OUT/corpus``, the study in ``OUT/study``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT

CONVERSATIONS = 300


def invent(corpus: Path, count: int = CONVERSATIONS) -> None:
    """Write invented conversations and what they hold."""
    command = [sys.executable, str(ROOT / "fixtures" / "make_conversations.py"), "--seed", "1", "--format", "jsonl"]
    subprocess.run([*command, "--conversations", str(count), "--out", str(corpus)], check=True, capture_output=True)


@contextmanager
def serve_truth(corpus: Path) -> Iterator[str]:
    """Run a server in a process of its own that knows a corpus; gives its address."""
    command = [sys.executable, "-m", "tests.llm_server", "--oracle", str(corpus)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def main(out: Path) -> int:
    """Invent, serve, and study."""
    corpus = out / "corpus"
    invent(corpus)
    with serve_truth(corpus) as url:
        command = [sys.executable, "-m", "taxonomy.cli", "study", str(corpus / "conversations.jsonl")]
        command += ["--llm", "openai/truth", "--llm-base-url", url, "--out", str(out / "study"), "--internal"]
        status = subprocess.run(command, check=False).returncode
    if status == 0:
        command = [sys.executable, "-m", "taxonomy.cli", "extract", "evaluate", str(out / "study" / "extraction")]
        status = subprocess.run([*command, "--truth", str(corpus / "truth.parquet")], check=False).returncode
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
