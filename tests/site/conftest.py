"""A browser with a log of everything that it asks for, and a file server on this machine only."""

from __future__ import annotations

import json
import os
import shutil
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    # No name has an address: what is not on this machine cannot be loaded.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
LOCAL = ("data:", "blob:", "about:", "chrome:")


class QuietHandler(SimpleHTTPRequestHandler):
    """Plain files, without a line per request."""

    def log_message(self, format, *args):
        pass


class Browser:
    """A driver with the questions that the ring asks."""

    def __init__(self, driver, base):
        self.driver, self.base = driver, base

    def open(self, path, width=1280, height=900):
        """Open a page afresh, even when only the part after # differs."""
        self.driver.set_window_size(width, height)
        self.driver.get("about:blank")
        self.log()
        self.driver.get(self.base + path)

    def until(self, script, *args, timeout=15):
        """Wait for a script's value to be true and return it."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, timeout).until(lambda d: d.execute_script(script, *args))

    def run(self, script, *args):
        return self.driver.execute_script(script, *args)

    def log(self):
        """Every address asked for since the last call."""
        messages = [json.loads(line["message"])["message"] for line in self.driver.get_log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def remote(self):
        """Addresses asked for elsewhere than on this server; at least one request must have been seen."""
        seen = self.log()
        assert any(address.startswith(self.base) for address in seen), "the log shows no request at all"
        return [address for address in seen if not address.startswith((self.base, *LOCAL))]

    def console_errors(self):
        return [line["message"] for line in self.driver.get_log("browser") if line["level"] == "SEVERE"]

    def type(self, *keys):
        """Keys, to whatever has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def see(self, dark=False, medium=""):
        """Let pages believe in a colour scheme and, "print", in paper."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme], "media": medium})

    @contextmanager
    def window(self, width, dark=False):
        """A window of that width and colour scheme; in it, a function that takes a picture of the whole page."""

        def size(height):
            given = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", given)

        def whole(name):
            size(self.run("return document.documentElement.scrollHeight"))
            self.picture(f"{name}-whole")

        self.see(dark)
        size(900)
        try:
            yield whole
        finally:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            self.see()

    def picture(self, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        assert self.driver.save_screenshot(str(SCREENSHOTS / f"{name}.png"))


def missing():
    """Why there can be no browser here, or ""."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed"
    names = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    return f"{' and '.join(names)} not found on PATH" if names else ""


@pytest.fixture(scope="session")
def site(needs_browser, tmp_path_factory):
    """The published site of this commit and the repository's results."""
    from mmbench.site import publish

    return publish(tmp_path_factory.mktemp("published") / "site", ROOT / "results").parent


@pytest.fixture(scope="session")
def index(site):
    """asv's published index.json."""
    return json.loads((site / "asv" / "index.json").read_text())


@contextmanager
def serving(folder):
    """Address of a file server of a folder, while it lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def served(site):
    """Address of a file server of the published site."""
    with serving(site) as address:
        yield address


@pytest.fixture(scope="session")
def needs_browser():
    """Skips with the reason; MMBENCH_BROWSER=require makes the reason a failure."""
    why = missing()
    if why and os.environ.get("MMBENCH_BROWSER") == "require":
        pytest.fail(f"MMBENCH_BROWSER=require, but {why}")
    if why:
        pytest.skip(why)


@pytest.fixture(scope="session")
def browser(needs_browser, served, tmp_path_factory):
    """Chromium with a profile of its own."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield Browser(driver, served)
    driver.quit()
