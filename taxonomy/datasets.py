"""Published datasets: their addresses, the digests of their files, and their download."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taxonomy.errors import FetchError, OutputError
from taxonomy.files import replace_file


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset of the Hugging Face hub at one revision.

    Attributes
    ----------
    repository, revision : str
        Its name, and the commit that is taken.
    sha256 : mapping of str to str
        Digest of each file, by name.
    """

    repository: str
    revision: str
    sha256: Mapping[str, str]


DATASETS = {
    "values-in-the-wild": Dataset(
        repository="Anthropic/values-in-the-wild",
        revision="ab3f8507ad9513889edfbc5a9ec56b0072ae632c",
        sha256={
            "values_frequencies.csv": "9cb874631323a6124414963f46b5673526f3a77a6f62d1ca95d1ffaf508073ac",
            "values_tree.csv": "614df191874375562c872cb15b4881040911e71028bda72254e882adfb768366",
        },
    )
}


def fetch(dataset: Dataset, folder: Path, files: Sequence[str]) -> list[Path]:
    """Download files of a dataset; none is written unless all are what they must be.

    Parameters
    ----------
    dataset : Dataset
    folder : Path
        Made if it is not there.
    files : sequence of str
        Names of `dataset.sha256`.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    FetchError
        If a file is not of the dataset, can't be had, or is another than it must be.
    OutputError
        If the folder can't be written.
    """
    unknown = [name for name in files if name not in dataset.sha256]
    if unknown:
        remedy = f"its files are {', '.join(dataset.sha256)}"
        raise FetchError(f"{dataset.repository} has no file {unknown[0]!r}", remedy=remedy)
    # The hub's client keeps locks and metadata of its own beside what it downloads: none of them stays.
    with tempfile.TemporaryDirectory(prefix="value-taxonomy-") as staging:
        contents = {name: _download(dataset, name, Path(staging)) for name in files}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"the folder cannot be written: {error.strerror}"
        raise OutputError(problem, path=str(folder), remedy="name another folder") from error
    for name, content in contents.items():
        replace_file(folder / name, content)
    return [folder / name for name in contents]


def _download(dataset: Dataset, name: str, staging: Path) -> bytes:
    from huggingface_hub import hf_hub_download

    try:
        path = hf_hub_download(
            dataset.repository,
            name,
            repo_type="dataset",
            revision=dataset.revision,
            local_dir=staging,
            token=False,
        )
        content = Path(path).read_bytes()
    except Exception as error:  # the hub's client passes on what its HTTP library raises, which is not always the same
        # Where it only says that the file is not here, the cause says why.
        said = str(error.__cause__ or error).splitlines()
        reason = next((line.strip() for line in said if line.strip()), type(error).__name__)
        raise FetchError(
            f"cannot download {name} of {dataset.repository} ({reason})",
            remedy="nothing was written: check the network, and try again",
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != dataset.sha256[name]:
        raise FetchError(
            f"{name} of {dataset.repository} came with sha256 {digest} instead of {dataset.sha256[name]}",
            remedy="nothing was written: try again, or ask who serves it",
        )
    return content
