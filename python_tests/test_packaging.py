"""What a user gets: the package's names, what importing it imports, its stubs, its extension."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import dsqn_fast
from dsqn_fast import _core

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = Path(dsqn_fast.__file__).parent


def _python(code: str, *arguments: str) -> str:
    """Output of ``code`` in a new interpreter, in the project's folder."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", dsqn_fast.__all__)
def test_public_name_exists(name: str) -> None:
    assert getattr(dsqn_fast, name) is not None
    assert name in dir(dsqn_fast)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Enigne'"):
        dsqn_fast.Enigne  # noqa: B018


def test_version_is_that_of_the_project() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    try:
        installed = metadata.version("dsqn-fast")
    except metadata.PackageNotFoundError:
        pytest.skip("dsqn-fast is not installed here, only importable")
    assert dsqn_fast.__version__ == installed == version


def test_type_marker_and_stubs_are_beside_the_code() -> None:
    assert (PACKAGE / "py.typed").is_file()
    assert (PACKAGE / "_core.pyi").is_file()


def test_import_is_light() -> None:
    code = "import sys, dsqn_fast; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = set(_python(code).split())
    assert "dsqn_fast" in loaded
    assert not loaded & {"numpy", "gymnasium", "torch", "scipy", "rich", "typer", "optuna"}


def test_running_a_policy_imports_no_learning_library(policies: Path) -> None:
    code = (
        "import sys; from dsqn_fast.cli.main import main; "
        "status = main(['run', sys.argv[1], '--episodes', '1']); "
        "print('loaded:', *sorted({name.split('.')[0] for name in sys.modules})); sys.exit(status)"
    )
    loaded = set(_python(code, str(policies / "cartpole-dqn.npz")).split("loaded:")[1].split())
    assert {"gymnasium", "numpy"} <= loaded
    assert not loaded & {"torch", "stable_baselines3", "matplotlib", "optuna", "onnx", "nir"}


def test_core_is_imported_by_the_engine_only() -> None:
    importers = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            if any("_core" in name.split(".") for name in names):
                importers.add(path.relative_to(PACKAGE).as_posix())
    assert importers == {"engine.py"}


def _stub_names(body: list[ast.stmt]) -> set[str]:
    return {
        node.name
        for node in body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    }


def _public(thing: object) -> set[str]:
    inherited = set(dir(RuntimeError))
    return {name for name in dir(thing) if not name.startswith("_") and name not in inherited}


def test_stubs_name_what_the_extension_has() -> None:
    stub = ast.parse((PACKAGE / "_core.pyi").read_text(encoding="utf-8"))
    assert _stub_names(stub.body) == _public(_core)
    for node in stub.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):  # else: types only
            assert _stub_names(node.body) == _public(getattr(_core, node.name)), node.name


def test_instructions_of_particular_cpus_stay_in_the_kernels() -> None:
    if not shutil.which("objdump") or not shutil.which("readelf"):
        pytest.skip("objdump and readelf are missing: install binutils")
    done = subprocess.run(
        [sys.executable, PROJECT / ".ci" / "check_instructions.py", _core.__file__],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 2:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout


def test_every_extra_that_the_code_names_is_declared() -> None:
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    named = set(re.findall(r"dsqn-fast\[([a-z]+)\]", text))
    assert named <= set(declared["optional-dependencies"])
