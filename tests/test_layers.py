"""What the source itself must hold: no circles, one place that writes files, names that mean one thing."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
import networkx as nx
import pytest

from tests.conftest import ROOT

PACKAGES = ("taxonomy", "embeddings")


@cache
def sources() -> dict[str, ast.Module]:
    """Return the syntax tree of each module, by its path from the root."""
    paths = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


# -- circles ---------------------------------------------------------------------------------------------------------


def facades() -> list[tuple[str, str]]:
    """Return the only imports that run back: of what the one-line methods of Taxonomy call."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]
    return [tuple(one.split(" -> ")) for one in layers["ignore_imports"]]


def test_the_only_imports_that_run_back_are_facades_of_the_taxonomy() -> None:
    tree = sources()["taxonomy/model/taxonomy.py"]
    (facade,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Taxonomy"]
    imported = []
    for method in facade.body:
        if isinstance(method, ast.FunctionDef):
            lazy = [one for one in ast.walk(method) if isinstance(one, ast.ImportFrom) and one.module]
            within = [one.module for one in lazy if str(one.module).startswith("taxonomy.")]
            # The import and the call, after the docstring.
            assert not within or len(method.body) - (ast.get_docstring(method) is not None) == 2, method.name
            imported += within
    assert sorted(imported) == sorted(module for _, module in facades())
    assert {importer for importer, _ in facades()} == {"taxonomy.model.taxonomy"}


def test_modules_import_each_other_in_no_circle() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    # Of functions and for types as well: a circle is one whenever it is closed.
    imports = nx.DiGraph(
        (one, other) for one in graph.modules for other in graph.find_modules_directly_imported_by(one)
    )
    imports.remove_edges_from(facades())
    assert imports.number_of_edges() > 400
    assert [sorted(circle) for circle in nx.strongly_connected_components(imports) if len(circle) > 1] == []


# -- writing ---------------------------------------------------------------------------------------------------------

WRITERS = {
    "embeddings/files.py": {"open", "os.open", "os.replace", "tempfile.TemporaryFile"},
    "embeddings/journal.py": {"open", "os.replace"},
}
# What else makes a file, and why.
OTHERS = {
    ("embeddings/_worker.py", "os.fdopen"): "the pipe of its answers",
    ("embeddings/stored.py", "os.replace"): "a damaged SQLite file is renamed",
    ("embeddings/pool.py", "tempfile.TemporaryFile"): "what a worker says on its stderr, without a name",
    ("taxonomy/cli/edge.py", "open"): "the null device, instead of a full disk",
    ("taxonomy/datasets.py", "tempfile.TemporaryDirectory"): "the hub's client downloads into a folder, and it goes",
    ("taxonomy/extraction/conversation_table.py", "writer.write_table"): "to a file that taxonomy.files opened",
    ("taxonomy/mentions/duckdb_engine.py", "tempfile.TemporaryDirectory"): "where DuckDB spills",
    ("taxonomy/mentions/duckdb_engine.py", "tempfile.mkdtemp"): "a folder there, for a copy with line ends of one kind",
    ("taxonomy/mentions/duckdb_engine.py", "copy.open"): "that copy",
    ("taxonomy/mentions/duckdb_engine.py", "gzip.open"): "that copy, of a compressed file",
    ("taxonomy/llm/answer_store.py", "os.open"): "an SQLite file, with its mode before anything is in it",
}
_METHODS = {"write_text", "write_bytes", "touch", "symlink_to", "hardlink_to", "tofile", "savefig", "dump"}
_MODULES = {
    "os": {"replace", "rename", "renames", "link", "symlink", "truncate", "mkfifo", "mknod"},
    "shutil": {"copy", "copy2", "copyfile", "copyfileobj", "copytree", "move", "make_archive", "unpack_archive"},
    "tempfile": {
        "mkstemp",
        "mkdtemp",
        "NamedTemporaryFile",
        "TemporaryFile",
        "TemporaryDirectory",
        "SpooledTemporaryFile",
    },
}
# Of libraries: to a path, or to memory.
_SINKS = {"to_csv", "to_parquet", "to_json", "to_excel", "to_feather", "to_pickle", "to_html", "to_hdf", "to_string"}
_SINKS |= {"write_table", "write_csv", "write_feather", "write_html", "write_image", "write_json", "write_graphml"}
_SINKS |= {"savez", "savez_compressed", "savetxt", "serialize"}
_MEMORY = {"BytesIO", "StringIO", "BufferOutputStream"}


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def constant(call: ast.Call, position: int, keyword: str) -> object:
    """Return an argument: its value, None where it is not given, ... where it can't be told."""
    given = [one.value for one in call.keywords if one.arg == keyword] or call.args[position : position + 1]
    return None if not given else given[0].value if isinstance(given[0], ast.Constant) else ...


def writes(call: ast.Call, memory: set[str], ours: set[str]) -> bool:
    name = dotted(call.func)
    owner, _, last = name.rpartition(".")
    if last in _MODULES.get(owner, ()) or (owner and last in _METHODS):
        return True
    if name in ("open", "io.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open", "os.fdopen"):
        mode = constant(call, 1, "mode")
        return mode is ... or bool(set("wax+") & set(str(mode or "r")))
    if name == "os.open":
        return len(call.args) < 2 or dotted(call.args[1]) != "os.O_RDONLY"
    if last == "open":  # of a path; another's takes no such text
        mode = constant(call, 0, "mode")
        return isinstance(mode, str) and set(mode) <= set("rwxabt+") and bool(set("wax+") & set(mode))
    if last in ("replace", "rename") and owner:  # of a path; a text's takes two
        return len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Dict | ast.Lambda)
    if (last in _SINKS and name not in ours) or name in ("np.save", "numpy.save"):
        given = [*call.args, *(one.value for one in call.keywords if one.arg in ("path", "path_or_buf", "destination"))]
        return bool(given) and not any(isinstance(one, ast.Name) and one.id in memory for one in given)
    return False


def found_writes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each call that makes or moves a file."""
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)]
    memory = {
        target.id
        for node in assigned
        if isinstance(node.value, ast.Call) and dotted(node.value.func).rpartition(".")[2] in _MEMORY
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = {one.name for node in imports if (node.module or "").startswith(PACKAGES) for one in node.names}
    ours |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and writes(node, memory, ours):
            yield node.lineno, dotted(node.func)


@pytest.mark.parametrize(
    "code",
    [
        "open(path, 'w')",
        "open(path, mode='ab')",
        "open(path, 'r+b')",
        "open(path, mode)",
        "path.open('x')",
        "(folder / 'x').open(mode='wb')",
        "os.fdopen(1, 'wb')",
        "os.open(path, os.O_WRONLY | os.O_CREAT)",
        "path.write_text('x')",
        "(folder / 'x').write_bytes(b'x')",
        "path.touch()",
        "os.replace(a, b)",
        "a.rename(b)",
        "a.replace(b)",
        "shutil.copyfile(a, b)",
        "shutil.move(a, b)",
        "tempfile.mkstemp()",
        "with tempfile.NamedTemporaryFile() as file: pass",
        "json.dump(data, file)",
        "pickle.dump(data, file)",
        "frame.to_csv(path)",
        "frame.to_csv(path_or_buf=path)",
        "frame.to_parquet(path, index=False)",
        "pq.write_table(table, path)",
        "import io\nother = io.BytesIO()\npq.write_table(table, path)",
        "figure.write_html(path)",
        "numpy.save(path, array)",
        "graph.serialize(destination=path)",
        "def f():\n    if x:\n        return [open(p, 'w') for p in q]",
    ],
)
def test_what_writes_is_found(code: str) -> None:
    assert list(found_writes(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "open(path)",
        "open(path, 'rb')",
        "path.open(encoding='utf-8')",
        "records.open(out)",
        "os.open(path, os.O_RDONLY)",
        "text.replace('a', 'b')",
        "date.replace(day=1)",
        "frame.rename(columns={})",
        "frame.to_csv()",
        "frame.to_json(orient='records')",
        "json.dumps(data)",
        "import io\nbuffer = io.BytesIO()\npq.write_table(table, buffer)",
        "from taxonomy.mentions.tables import write_table\nwrite_table(table, path)",
        "graph.serialize(format='turtle')",
        "sqlite3.connect(path)",
        "tree.write(path)",
        "replace_file(path, content)",
    ],
)
def test_what_does_not_write_is_let_be(code: str) -> None:
    assert list(found_writes(ast.parse(code))) == []


def test_files_are_written_in_one_place() -> None:
    found = {(path, name) for path, tree in sources().items() for _, name in found_writes(tree)}
    assert {writer: {name for path, name in found if path == writer} for writer in WRITERS} == WRITERS
    elsewhere = {(path, name) for path, name in found if path not in WRITERS}
    assert elsewhere == OTHERS.keys()


# -- names -----------------------------------------------------------------------------------------------------------

# Files of two packages that mean the same: taxonomy's adds to that of embeddings.
SAME = {"__init__", "errors", "files", "progress"}


def test_no_two_modules_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in sources():
        places[Path(path).stem].append(path)
    shared = {stem: paths for stem, paths in places.items() if len(paths) > 1}
    assert {stem: paths for stem, paths in shared.items() if stem not in SAME} == {}
    assert all(len(shared[stem]) == len(PACKAGES) for stem in SAME - {"__init__"})


def public_names(tree: ast.Module) -> set[str]:
    """Return the public functions and classes of a module, its own and those that it imports from another."""
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGES)
        for alias in node.names
    }
    return {name for name in own | imported if not name.startswith("_")}


def test_no_function_has_the_name_of_a_module_of_its_package() -> None:
    siblings: dict[str, set[str]] = defaultdict(set)
    for path in sources():
        place = Path(path).with_suffix("")
        place = place.parent if place.name == "__init__" else place
        siblings[str(place.parent)].add(place.name)
    clashes = []
    for path, tree in sources().items():
        names = public_names(tree)
        if Path(path).name != "__init__.py":
            names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        clashes += [f"{path}: {name}" for name in sorted(names & siblings[str(Path(path).parent)])]
    assert clashes == []


def test_public_names_are_the_same_whatever_is_imported() -> None:
    script = """
        import importlib, pkgutil, embeddings, taxonomy
        packages = (embeddings, taxonomy)
        def read():
            return {f"{one.__name__}.{name}": getattr(one, name) for one in packages for name in one.__all__}
        before = read()
        for package in packages:
            for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
                if not found.name.endswith("__main__"):
                    importlib.import_module(found.name)
        after = read()
        assert len(before) > 15 and before.keys() == after.keys()
        print([name for name in before if before[name] is not after[name]])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, encoding="utf-8", cwd=ROOT, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
