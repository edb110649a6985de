"""Run the notebooks and store their outputs, with a picture of each figure: see `make notebook-outputs`.

python -m tests.notebook_outputs [NAME...]
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
FIGURE, PICTURE = "application/vnd.plotly.v1+json", "image/png"
# Of a picture, in CSS pixels, and how many of its own pixels one has; the height is the figure's own where it has one.
WIDTH, HEIGHT, SCALE = 900, 450, 1.5
# Bytes of JSON from which on a figure is stored as its picture alone.
MOST_INTERACTIVE = 150_000
# What a notebook needs that is not part of the project: without it, it stays as it is.
NEEDED = {"05_published_taxonomy": ROOT / "values-in-the-wild"}
# Of a cell whose outputs are not stored; nbconvert and Jupyter Book know it, too.
NOT_STORED = "remove-output"


def read(name: str) -> NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def run(name: str, folder: Path = FOLDER) -> NotebookNode:
    """Run a notebook in `folder`, with a kernel that sees this checkout."""
    notebook = read(name)
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT), "PLOTLY_RENDERER": "plotly_mimetype"})
    return notebook


def outputs(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Yield the outputs of a notebook that are stored."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and NOT_STORED not in cell.metadata.get("tags", ()):
            yield from cell.outputs


def store(name: str) -> None:
    """Run a notebook and write it with its outputs: no time, no count and no machine is in them."""
    notebook = run(name)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
            if NOT_STORED in cell.metadata.get("tags", ()):
                cell.outputs = []
    for output in outputs(notebook):
        if output.output_type == "execute_result":
            output.execution_count = None
        if FIGURE in output.get("data", {}):
            _add_picture(output)
    notebook.metadata = {"kernelspec": notebook.metadata.kernelspec, "language_info": {"name": "python"}}
    nbformat.write(notebook, FOLDER / f"{name}.ipynb")


def _add_picture(output: NotebookNode) -> None:
    """Put the picture of a figure beside it, or in its place where the figure is large."""
    figure = output.data[FIGURE]
    size = {"width": WIDTH, "height": figure.layout.get("height", HEIGHT)}
    output.data = {PICTURE: base64.b64encode(_draw(figure, size)).decode()}
    output.metadata = {PICTURE: {**size, "alt": figure.layout.title.text}}
    if len(json.dumps(figure)) <= MOST_INTERACTIVE:
        output.data[FIGURE] = figure


def _draw(figure: NotebookNode, size: dict[str, int]) -> bytes:
    """Return a figure as PNG, with a palette, which makes it about four times smaller."""
    import kaleido
    from PIL import Image

    drawn = Image.open(BytesIO(kaleido.calc_fig_sync(figure, opts={"format": "png", "scale": SCALE, **size})))
    # This way of choosing 64 colours keeps rare ones.
    packed = drawn.convert("RGB").quantize(64, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    png = BytesIO()
    packed.save(png, "PNG", optimize=True)
    return png.getvalue()


def main(names: list[str]) -> None:
    import kaleido

    # One browser for all pictures, and nothing from the network.
    kaleido.start_sync_server(n=1, mathjax=False)
    try:
        for name in names or sorted(path.stem for path in FOLDER.glob("*.ipynb")):
            needed = NEEDED.get(name)
            if needed and not needed.exists():
                print(f"{name} stays as it is: {needed.name} is not here", file=sys.stderr)
            else:
                print(name, file=sys.stderr)
                store(name)
    finally:
        kaleido.stop_sync_server()


if __name__ == "__main__":
    main(sys.argv[1:])
