"""The published pages load nothing from elsewhere, and say so loudly when they would."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmbench.errors import InputError
from mmbench.site import offline, repairs, vendored
from mmbench.site.publishing import publish_asv
from tests.site.conftest import ROOT

asv = pytest.importorskip("asv")
ASV_PAGE = Path(asv.__file__).parent / "www" / "index.html"
CDN = "https://cdn.example/x"


@pytest.fixture
def vendor(tmp_path):
    """A copy of the vendor folder, to be damaged."""
    return Path(shutil.copytree(vendored.FOLDER, tmp_path / "vendor"))


def archive(files):
    """An npm package archive with these files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def test_vendor_files_are_what_was_listed():
    files = vendored.verified()
    assert sum(file.path.endswith(".js") for file in files) == 10
    assert sum(file.path.endswith(".css") for file in files) == 2
    packages = json.loads((vendored.FOLDER / vendored.LIST).read_text())
    assert all(any(f.path == f"{vendored.folder_of(p)}/LICENSE" and f.data for f in files) for p in packages)
    assert {p["licence"] for p in packages} == {"MIT"}


def test_a_changed_vendor_file_is_refused(vendor):
    with (vendor / "jquery-3.3.1" / "jquery.min.js").open("a") as stream:
        stream.write("\n")
    with pytest.raises(InputError, match=r"jquery\.min\.js has sha256"):
        vendored.verified(vendor)


def test_a_missing_vendor_file_is_refused(vendor):
    (vendor / "bootstrap-3.1.1" / "LICENSE").unlink()
    with pytest.raises(InputError, match="LICENSE"):
        vendored.verified(vendor)


def test_an_unlisted_vendor_file_is_refused(vendor):
    (vendor / "jquery-3.3.1" / "more.js").write_text("1")
    with pytest.raises(InputError, match=r"jquery-3\.3\.1/more\.js"):
        vendored.verified(vendor)


def test_fetch_remakes_what_the_list_says(vendor, monkeypatch):
    whole = {f.path: f.data for f in vendored.verified()}
    packages = json.loads((vendor / vendored.LIST).read_text())
    for package in packages:
        package["integrity"] = ""  # of the real packages, which hold more files
    (vendor / vendored.LIST).write_text(json.dumps(packages))
    held = {
        f"{p['name']}@{p['version']}": archive(
            {e["from"]: whole[f"{vendored.folder_of(p)}/{n}"] for n, e in p["files"].items() if e["from"]}
        )
        for p in packages
    }
    monkeypatch.setattr(vendored, "pack", held.__getitem__)
    for path in (vendor / "jquery-3.3.1", vendor / "flot-0.8.3"):
        shutil.rmtree(path)
    assert vendored.fetch(vendor) == []
    assert {f.path: f.data for f in vendored.verified(vendor)} == whole
    for package in packages:
        package["integrity"] = vendored.integrity(held[f"{package['name']}@{package['version']}"])
    (vendor / vendored.LIST).write_text(json.dumps(packages))
    assert vendored.fetch(vendor) == []
    held["jquery@3.3.1"] = archive({"dist/jquery.min.js": b"evil", "LICENSE.txt": b"MIT"})
    with pytest.raises(InputError, match=r"npm package jquery-3\.3\.1 has integrity sha512-"):
        vendored.fetch(vendor)
    packages[0]["integrity"] = ""
    (vendor / vendored.LIST).write_text(json.dumps(packages))
    with pytest.raises(InputError, match="npm gives sha256"):
        vendored.fetch(vendor)
    assert (vendor / "jquery-3.3.1" / "jquery.min.js").read_bytes() == whole["jquery-3.3.1/jquery.min.js"]
    held["jquery@3.3.1"] = archive({"LICENSE.txt": b"MIT"})
    with pytest.raises(InputError, match=r"has no file 'dist/jquery\.min\.js'"):
        vendored.fetch(vendor)


def test_fetch_fills_in_an_emptied_checksum(vendor, monkeypatch):
    packages = json.loads((vendor / vendored.LIST).read_text())[:1]
    packages[0] |= {"integrity": ""}
    packages[0]["files"] = {"jquery.min.js": {"from": "dist/jquery.min.js", "sha256": ""}}
    (vendor / vendored.LIST).write_text(json.dumps(packages))
    monkeypatch.setattr(vendored, "pack", lambda spec: archive({"dist/jquery.min.js": b"new"}))
    assert vendored.fetch(vendor) == ["jquery-3.3.1/jquery.min.js"]
    assert json.loads((vendor / vendored.LIST).read_text())[0]["files"]["jquery.min.js"]["sha256"]


def test_every_remote_tag_of_asvs_page_gets_its_local_copy():
    page = ASV_PAGE.read_text()
    before = offline.loads_of_page(page)
    after = offline.loads_of_page(offline.with_local_copies(page, vendored.verified()))
    assert sum(bool(offline.REMOTE.match(address)) for address in before) == 10
    assert not [address for address in after if offline.REMOTE.match(address)]
    assert len(after) == len(before)
    assert all((vendored.FOLDER.parent / a).is_file() for a in after if a.startswith("vendor/"))


def test_a_remote_script_without_a_copy_is_refused():
    with pytest.raises(InputError, match=r"cdn\.example/x/other\.js"):
        offline.with_local_copies(f'<script src="{CDN}/other.js"></script>', vendored.verified())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", f'<script async src="{CDN}.js"></script>'),
        ("a.html", f"<LINK rel=stylesheet href={CDN}.css>"),
        ("a.html", f'<img src="{CDN}.png">'),
        ("a.html", '<img src="//cdn.example/x.png">'),
        ("a.html", f'<img src="a.png" srcset="b.png 1x, {CDN}.png 2x">'),
        ("a.html", f'<p style="background: url({CDN}.png)">'),
        ("a.html", f"<style>p {{ background: url('{CDN}.png') }}</style>"),
        ("a.html", f"<script>$.getScript('{CDN}.js')</script>"),
        ("a.js", f"s.src = '{CDN}.js';"),
        ("a.js", f'$.ajax({{ url: "{CDN}.json" }});'),
        ("a.js", f'document.write("<script src=\\"{CDN}.js\\">");'),
        ("a.js", 'fetch("//cdn.example/x.json")'),
        ("deep/a.css", f'@import "{CDN}.css";'),
        ("deep/a.css", f"p {{ background: URL( '{CDN}.png' ) }}"),
    ],
)
def test_a_planted_remote_address_is_refused(tmp_path, name, text):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=rf"{name}: (https:)?//cdn\.example/x"):
        offline.check_offline(tmp_path)


def test_links_and_local_files_are_allowed(tmp_path):
    (tmp_path / "a.html").write_text(f'<a href="{CDN}">x</a><script src="b.js"></script><img src="data:image/png,x">')
    (tmp_path / "a.css").write_text("p { background: url(a.png) }")
    offline.check_offline(tmp_path)


@pytest.fixture
def scripts(tmp_path):
    """A folder with the scripts to repair, as they come."""
    for name in {repair.name for repair in repairs.REPAIRS}:
        found = [*vendored.FOLDER.rglob(name), *ASV_PAGE.parent.rglob(name)]
        shutil.copy(found[0], tmp_path / name)
    return tmp_path


def test_each_repair_is_made_once(scripts):
    before = {path.name: path.read_text() for path in scripts.iterdir()}
    offline.repair(scripts)
    for name, was, better in repairs.REPAIRS:
        before[name] = before[name].replace(was, better)
        assert before[name].count(better) == 1
    assert {path.name: path.read_text() for path in scripts.iterdir()} == before


@pytest.mark.parametrize("broken", repairs.REPAIRS)
@pytest.mark.parametrize("times", [0, 2])
def test_a_script_that_cannot_be_repaired_is_refused(scripts, broken, times):
    text = (scripts / broken.name).read_text()
    (scripts / broken.name).write_text(text.replace(broken.was, broken.was * times))
    with pytest.raises(InputError, match=rf"{times} times in 1 files {broken.name}"):
        offline.repair(scripts)


@pytest.mark.parametrize("broken", repairs.REPAIRS)
def test_a_missing_script_is_refused(scripts, broken):
    (scripts / broken.name).unlink()
    with pytest.raises(InputError, match=f"0 times in 0 files {broken.name}"):
        offline.repair(scripts)


def test_asv_publish_fails_with_a_sentence(tmp_path, monkeypatch):
    from asv.util import UserError

    from mmbench.site.plugin import Offline

    shutil.copytree(ASV_PAGE.parent, tmp_path / "html")
    page = tmp_path / "html" / "index.html"
    page.write_text(page.read_text().replace("</head>", f'<script src="{CDN}/planted.js"></script></head>'))
    with pytest.raises(UserError, match=r"cdn\.example/x/planted\.js"):
        Offline.publish(SimpleNamespace(html_dir=str(tmp_path / "html")), None, None, None, None)


def test_asv_publish_runs_the_plugin(tmp_path):
    publish_asv(tmp_path / "html", ROOT / "results" / "asv")
    offline.check_offline(tmp_path / "html")
    bars = next((tmp_path / "html" / "vendor").rglob(repairs.BARS)).read_text()
    assert bars.count("isNaN(AxeSize)") == 1
    page = (tmp_path / "html" / "index.html").read_text()
    assert "../changes.html" in page and "regressions.js" not in page and "summarylist.js" not in page
    copied = {path.name for path in (tmp_path / "html" / "vendor").rglob("*") if path.is_file()}
    assert {"jquery.min.js", "bootstrap.min.css", "LICENSE"} <= copied
