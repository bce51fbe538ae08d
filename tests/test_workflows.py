"""Workflows name actions by commit and may do no more than they need; project files agree."""

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import sklstm

ROOT = Path(sklstm.__file__).parent.parent
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
pytestmark = pytest.mark.skipif(not FILES, reason="not a checkout")
by_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@pytest.fixture
def workflow(file):
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@by_file
def test_actions_are_named_by_commit_with_the_version_beside_it(file):
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_an_action_has_one_commit():
    commits = {}
    for file in FILES:
        for name, commit in re.findall(r"uses: (\S+)@(\S+)", file.read_text(encoding="utf-8")):
            commits.setdefault(name, set()).add(commit)
    assert all(len(of) == 1 for of in commits.values()), commits


@by_file
def test_a_workflow_may_only_read(workflow, file):
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        writes = {what for what, how in job.get("permissions", {}).items() if how != "read"}
        assert writes == ({"id-token"} if (file.stem, name) == ("wheels", "publish") else set())
        assert "timeout-minutes" in job, name


@by_file
def test_a_checkout_leaves_no_token_behind(workflow, file):
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@by_file
def test_what_a_workflow_runs_is_there(file):
    text = file.read_text(encoding="utf-8")
    for script in re.findall(r"(?<![\w/])(\.ci/\w+)", text):
        assert os.access(ROOT / script, os.X_OK), script
    for script in re.findall(r"python (tests/\S+\.py)", text):
        assert (ROOT / script).exists(), script
    for module in re.findall(r"python -m (tests\.\w+)", text):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module
    for name in re.findall(r"python -m benchmarks (\w+)", text):
        assert "def main(argv" in (ROOT / "benchmarks" / f"{name}.py").read_text(), name


def test_a_release_waits_for_everything_and_for_a_tag():
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((FOLDER / "wheels.yml").read_text(encoding="utf-8"))
    publish = workflow["jobs"]["publish"]
    assert set(publish["needs"]) == set(workflow["jobs"]) - {"publish"}
    assert "refs/tags/v" in publish["if"] and "push" in publish["if"]
    assert publish["environment"]["name"] == "pypi"
    assert workflow[True]["push"] == {"tags": ["v*"]}  # YAML reads "on" as a truth value


def test_wheels_are_built_for_every_python_that_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    versions = re.findall(r"Python :: 3\.(\d+)", str(project["project"]["classifiers"]))
    built = project["tool"]["cibuildwheel"]["build"].split()
    assert {f"cp3{minor}-*" for minor in versions} == {name for name in built if "t-" not in name}
    without_gil = {f"cp3{minor}t-*" for minor in sorted(map(int, versions))[-2:]}
    assert without_gil == {name for name in built if "t-" in name}
    for path in project["tool"]["cibuildwheel"]["test-sources"]:
        assert (ROOT / path).exists(), path


def test_the_site_is_built_as_here():
    yaml = pytest.importorskip("yaml")
    settings = yaml.safe_load((ROOT / ".readthedocs.yaml").read_text(encoding="utf-8"))
    assert (ROOT / settings["sphinx"]["configuration"]).exists()
    assert settings["sphinx"]["fail_on_warning"] is True
    ast.parse((ROOT / settings["sphinx"]["configuration"]).read_text(encoding="utf-8"))


@pytest.mark.parametrize("arguments", [["fast"], ["quick", "quick"], ["--help"]])
def test_the_site_is_not_built_with_an_argument_that_is_unknown(arguments):
    ended = subprocess.run(
        ["bash", ROOT / ".ci" / "site", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (2, "usage: .ci/site [quick]\n")


def test_licences_and_files_that_are_declared_are_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "BSD-3-Clause AND CC-BY-4.0"
    assert set(project["license-files"]) == {"LICENSE", "sklstm/data/README.md"}
    assert "Redistribution and use" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "CC BY 4.0" in (ROOT / "sklstm" / "data" / "README.md").read_text(encoding="utf-8")
    assert set(project["urls"]) >= {"Homepage", "Documentation", "Source", "Issues", "Changelog"}
