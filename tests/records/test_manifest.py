import json
import platform
import shutil
import subprocess

import pytest

import mmbench
from mmbench.errors import InputError
from mmbench.records import manifest
from mmbench.records.manifest import build_manifest, cpu_model, ram_bytes, validate_manifest


def test_the_manifest_of_this_process_is_valid_and_plain():
    found = build_manifest()
    validate_manifest(found)
    assert json.loads(json.dumps(found)) == found
    assert found["mmbench_version"] == mmbench.__version__
    assert found["python_version"] == platform.python_version()
    assert platform.release() in found["kernel"]


def test_nothing_in_it_names_the_machine_or_a_path():
    text = json.dumps(build_manifest())
    assert platform.node() not in text or len(platform.node()) < 4
    assert mmbench.__file__ not in text


def test_versions_are_those_of_the_packages():
    numpy = pytest.importorskip("numpy", reason="without numpy there is no version to compare; install numpy")
    assert build_manifest()["numpy_version"] == numpy.__version__


def test_an_unknown_or_missing_field_is_named():
    with pytest.raises(InputError, match=r"field 'manifest\.kernel' is missing"):
        validate_manifest({k: v for k, v in build_manifest().items() if k != "kernel"})
    with pytest.raises(InputError, match="hostname"):
        validate_manifest(build_manifest() | {"hostname": "x"})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor\t: 0\nmodel name\t: AMD  EPYC 7B12\n\nmodel name\t: other\n", "AMD EPYC 7B12"),
        ("cpu\t\t: POWER9, altivec supported\n", "POWER9, altivec supported"),
        ("processor\t: 0\nBogoMIPS\t: 50.00\nCPU part\t: 0xd0c\n", None),
        ("model name\t:\n", None),
        ("", None),
    ],
)
def test_cpu_model_is_read_from_cpuinfo(text, name):
    assert cpu_model(text) == name


def test_ram_is_read_from_meminfo_in_bytes():
    assert ram_bytes("MemTotal:       24682416 kB\nMemFree: 1 kB\n") == 24682416 * 1024
    assert ram_bytes("MemFree: 1 kB\n") is None


def git(root, *words):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(root), *identity, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git; install it to run this test")
def test_commit_and_whether_the_sources_differ_from_it(tmp_path):
    git(tmp_path, "init", "--quiet")
    assert manifest._commit(tmp_path) == {"commit": None, "commit_modified": None}
    (tmp_path / "mmbench").mkdir()
    source = tmp_path / "mmbench" / "x.py"
    source.write_text("a = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "x")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert manifest._commit(tmp_path) == {"commit": head, "commit_modified": "no"}
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "new.json").write_text("{}")
    assert manifest._commit(tmp_path)["commit_modified"] == "no"
    source.write_text("a = 2\n")
    assert manifest._commit(tmp_path) == {"commit": head, "commit_modified": "yes"}


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git; install it to run this test")
def test_a_package_inside_somebody_elses_repository_claims_no_commit(tmp_path):
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "x")
    inside = tmp_path / "site-packages"
    inside.mkdir()
    assert manifest._commit(inside) == {"commit": None, "commit_modified": None}


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert manifest._commit(tmp_path) == {"commit": None, "commit_modified": None}
