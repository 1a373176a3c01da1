"""New domains: what is written works at once, under its own name, and overwrites nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from adapt.errors import AdaptError, DomainError
from adapt.registry import find
from adapt.verbs.new_domain import Options, run

TOY = Path(__file__).resolve().parents[1] / "toy_domain" / "adapt_domain_toy"


def names_inside(folder: Path, word: str) -> list[str]:
    """Files of a folder that still say a word."""
    return [path.name for path in folder.rglob("*") if path.is_file() and word in path.read_text()]


def test_the_blank_template_works_at_once_under_its_new_name(tmp_path: Path, capsys) -> None:
    assert run(Options("mine", workspace=tmp_path)) == 0
    assert "adapt check mine" in capsys.readouterr().out
    domain = find("mine", tmp_path).domain
    assert domain.spec.name == "mine_expression_check"
    assert next(domain.calls(0)).call.name == domain.spec.name
    assert not names_inside(domain.root, "blank")
    with domain.open_real_tool() as tool:
        verdicts = {tool.call(item.call).content["verdict"] for item in islice(domain.calls(0), 300)}
    assert verdicts == {"correct", "syntax_error", "unknown_name", "division_by_zero", "out_of_range"}


def test_a_registered_domain_is_a_template_without_its_labels(tmp_path: Path) -> None:
    shutil.copytree(TOY, tmp_path / "domains" / "toy")
    for left_out in ("labels", "adapter", "__pycache__"):
        (tmp_path / "domains" / "toy" / left_out).mkdir(exist_ok=True)
        (tmp_path / "domains" / "toy" / left_out / "big.bin").write_bytes(b"x")

    assert run(Options("toy2", template="toy", workspace=tmp_path)) == 0
    copy = find("toy2", tmp_path).domain
    assert sorted(path.name for path in copy.root.iterdir() if path.name != "__pycache__") == [
        "README.md",
        "__init__.py",
        "probes.jsonl",
        "spec.json",
    ]
    assert copy.spec.name == "toy2_isbn_check" and next(copy.calls(0)).call.name == "toy2_isbn_check"
    assert (copy.root / "README.md").read_text().startswith("# toy2")


def test_the_name_of_a_shipped_domain_gives_a_copy_of_it(tmp_path: Path, capsys) -> None:
    assert run(Options("cpp", workspace=tmp_path)) == 0
    assert "a copy of the 'cpp' domain" in capsys.readouterr().out
    copy = find("cpp", tmp_path).domain
    assert copy.root == tmp_path / "domains" / "cpp" and copy.spec.name == "cpp_code_validator"
    assert not (copy.root / "labels").exists()
    assert next(copy.calls(0)).call.name == copy.spec.name


def test_a_template_of_another_name_may_be_asked_for(tmp_path: Path) -> None:
    assert run(Options("cpp", template="blank", workspace=tmp_path)) == 0
    assert find("cpp", tmp_path).domain.spec.name == "cpp_expression_check"


def test_a_standalone_domain_is_a_package_that_pip_installs(tmp_path: Path, adapt) -> None:
    assert run(Options("apart", standalone=True, workspace=tmp_path)) == 0
    package = tmp_path / "adapt_domain_apart"
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(tmp_path / "site"), str(package)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    checked = adapt("check", "apart", cwd=elsewhere, path=tmp_path / "site")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "package adapt-domain-apart" in checked.stdout


@pytest.mark.parametrize("name", ["", "9lives", "two words", "Upper", "class", "a-b", "../up", "_x"])
def test_names_that_cannot_be_packages_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DomainError, match="cannot name a domain"):
        run(Options(name, workspace=tmp_path))
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_and_nothing_is_left_half_made(tmp_path: Path) -> None:
    run(Options("mine", workspace=tmp_path))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(AdaptError, match="exists"):
        run(Options("mine", workspace=tmp_path))
    with pytest.raises(DomainError, match=r"no template called 'zz' \(there are: blank, .*mine"):
        run(Options("other", template="zz", workspace=tmp_path))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_template_that_imports_itself_by_full_name_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(TOY, tmp_path / "domains" / "toy")
    (folder / "more.py").write_text("def f():\n    from domains.toy import DOMAIN\n    return DOMAIN\n")
    with pytest.raises(DomainError, match=r"more\.py imports itself by its full name"):
        run(Options("toy2", template="toy", workspace=tmp_path))
    assert [path.name for path in (tmp_path / "domains").iterdir()] == ["toy"]
