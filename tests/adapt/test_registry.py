"""Where domains are found, which one answers, and what is said when none can."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adapt.errors import DomainError
from adapt.registry import all_domains, find, survey

TOY = Path(__file__).resolve().parents[1] / "toy_domain"


def register(site: Path, distribution: str, name: str, value: str) -> None:
    """Lay down the metadata of an installed package with one entry point."""
    folder = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[adapt.domains]\n{name} = {value}\n")


@pytest.fixture(scope="module")
def toy_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy package, really installed by pip, into a folder of its own."""
    place = tmp_path_factory.mktemp("toy")
    source = shutil.copytree(TOY, place / "source")  # building writes into the source folder
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(place / "site"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return place / "site"


def test_a_pip_installed_stranger_is_found_checked_and_labelled(toy_site: Path, tmp_path: Path, adapt) -> None:
    checked = adapt("check", "toy", cwd=tmp_path, path=toy_site)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "package adapt-domain-toy 0.3.0 (adapt_domain_toy:DOMAIN)" in checked.stdout
    assert " 0 fail" in checked.stdout and "5 probes hold" in checked.stdout

    labelled = adapt("label", "toy", "--count", "40", cwd=tmp_path, path=toy_site)
    assert labelled.returncode == 0, labelled.stderr
    assert "made now: 40" in labelled.stdout


def test_workspace_is_nearer_than_an_installed_package(toy_site: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(toy_site))
    assert find("toy", tmp_path).distance == 1

    shutil.copytree(TOY / "adapt_domain_toy", tmp_path / "domains" / "toy")
    near = find("toy", tmp_path)
    assert near.distance == 0
    assert near.domain.root == (tmp_path / "domains" / "toy").resolve()


def test_two_installed_domains_of_one_name_are_an_error_naming_both(tmp_path: Path, monkeypatch) -> None:
    for distribution in ("first-toy", "second-toy"):
        register(tmp_path / "site", distribution, "twice", "somewhere:DOMAIN")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    with pytest.raises(DomainError, match=r"first-toy.* and .*second-toy"):
        find("twice", tmp_path)


def test_a_broken_domain_is_listed_and_hides_no_other(workspace: Path, monkeypatch) -> None:
    register(workspace / "site", "sad-toy", "sad", "no_such_module:DOMAIN")
    monkeypatch.syspath_prepend(str(workspace / "site"))
    (workspace / "domains" / "torn").mkdir()
    (workspace / "domains" / "torn" / "__init__.py").write_text("import json\njson.loads('{')\n")

    found, broken = survey(workspace)
    assert "mini" in {one.domain.name for one in found}
    errors = {one.name: one.error for one in broken}
    assert "no_such_module" in errors["sad"]
    assert "torn" in errors["torn"] and "JSONDecodeError" in errors["torn"]
    assert all("\n" not in error for error in errors.values())


def test_relative_imports_work_and_an_edit_is_seen(workspace: Path) -> None:
    assert find("mini", workspace).domain is find("mini", workspace).domain

    evidence = workspace / "domains" / "mini" / "evidence.py"
    evidence.write_text(evidence.read_text() + "\nraise RuntimeError('edited')\n")
    with pytest.raises(DomainError, match=r"RuntimeError: edited .*evidence\.py:"):
        find("mini", workspace)


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("", "no DOMAIN"),
        ("DOMAIN = 3", "must be an adapt.domain.Domain, this is int"),
        ("def (", "SyntaxError"),
        ("from .mine import DOMAIN", "No module named"),
        ("from .real import DOMAIN\nDOMAIN = replace(DOMAIN, name='other')", "calls itself 'other'"),
        ("from .real import DOMAIN\nDOMAIN = replace(DOMAIN, calls=None)", "calls of bad must be a function"),
        ("from .real import DOMAIN\nDOMAIN = replace(DOMAIN, root='x')", "root of bad"),
        ("from .real import DOMAIN\nDOMAIN = replace(DOMAIN, fidelity={})", "fidelity of bad"),
    ],
)
def test_what_breaks_the_contract_is_named_with_its_place(tmp_path: Path, code: str, complaint: str) -> None:
    folder = tmp_path / "domains" / "bad"
    shutil.copytree(TOY / "adapt_domain_toy", folder)
    (folder / "__init__.py").rename(folder / "real.py")
    real = (folder / "real.py").read_text().replace('name="toy"', 'name="bad"')
    (folder / "real.py").write_text(real)
    (folder / "__init__.py").write_text(f"from dataclasses import replace\n{code}\n")

    with pytest.raises(DomainError) as caught:
        find("bad", tmp_path)
    assert complaint in str(caught.value)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_lists_what_there_is(workspace: Path) -> None:
    with pytest.raises(DomainError, match=r"no domain called 'nope' .*mini.*adapt new-domain nope"):
        find("nope", workspace)


def test_the_shipped_domains_are_there_without_a_workspace(tmp_path: Path) -> None:
    shipped = {found.domain.name: found for found in all_domains(tmp_path)}
    if not shipped:
        pytest.skip("the distribution is not installed, so it has no entry points")
    assert shipped["cpp"].distance == 2
    assert "ships with gtm-adapt" in shipped["cpp"].origin


def test_what_the_shipped_domains_share_is_no_domain_in_a_checkout() -> None:
    checkout = Path(__file__).resolve().parents[2]
    found, broken = survey(checkout)
    assert {"cpp", "cuda"} <= {one.domain.name for one in found}
    assert [one.name for one in broken if one.origin.startswith("workspace")] == []
