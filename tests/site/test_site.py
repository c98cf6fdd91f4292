"""The site, as a reader's browser shows it: `make test-site`."""

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

ROOT = Path(__file__).resolve().parent.parent.parent
SITE = ROOT / "site"
GOLDEN = ROOT / "tests" / "__snapshots__" / "test_golden"
PAGES = sorted(path.name for path in SITE.glob("*.html"))
SCRIPTS = sorted(path.name for path in SITE.glob("item*.html"))
WIDE, NARROW, PAPER = 1280, 390, 700  # pixels
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = """headless no-sandbox disable-gpu disable-quic no-first-run
    disable-background-networking disable-component-update disable-sync"""
AXE = (files("axe_core_python") / "axe.min.js").read_text()
CUT_OFF = """return [...document.querySelectorAll(arguments[0])]
    .filter(box => box.scrollWidth > box.clientWidth)
    .map(box => box.textContent)"""

IN_VIEW = """const { top } = arguments[0].getBoundingClientRect();
    return 0 <= top && top < innerHeight"""


class Handler(SimpleHTTPRequestHandler):
    """Serves the site, and keeps quiet about it."""

    def log_message(self, *_: Any) -> None:
        """Write nothing on stderr."""


class Window:
    """A browser's window on the site."""

    def __init__(self, address: str, chrome: Chrome) -> None:
        self.address, self.chrome = address, chrome
        self.run = chrome.execute_script

    def visit(self, page: str, width: int = WIDE, **media: Any) -> None:
        """Open a page; media is what CDP's setEmulatedMedia takes."""
        size = {"width": width, "height": 900}
        size |= {"deviceScaleFactor": 1, "mobile": False}
        cdp = self.chrome.execute_cdp_cmd
        cdp("Emulation.setDeviceMetricsOverride", size)
        cdp(
            "Emulation.setEmulatedMedia",
            {"media": "", "features": [], **media},
        )
        self.chrome.get("about:blank")
        self.chrome.get(f"{self.address}/{page}")

    def find(self, selector: str) -> list[Any]:
        """Return all elements that a CSS selector selects."""
        return self.chrome.find_elements(By.CSS_SELECTOR, selector)

    def wait_for(self, text: str) -> None:
        """Wait until the window's address has this text in it."""
        WebDriverWait(self.chrome, 10).until(lambda c: text in c.current_url)


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """A browser, and a server of the site on this machine."""
    if not CHROMIUM or not DRIVER:
        pytest.skip("needs chromium and chromedriver: no browser is here")
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS.split():
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('user')}")
    logs = {"browser": "ALL", "performance": "ALL"}
    options.set_capability("goog:loggingPrefs", logs)
    handler = partial(Handler, directory=str(SITE))
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        Chrome(options, ChromeService(DRIVER)) as chrome,
    ):
        threading.Thread(target=server.serve_forever).start()
        yield Window(f"http://127.0.0.1:{server.server_port}", chrome)
        server.shutdown()


@pytest.fixture
def window(session: Window) -> Iterator[Window]:
    """The window; fails for an error in it, or a request to another host."""
    yield session
    wrong = [entry["message"] for entry in session.chrome.get_log("browser")]
    for entry in session.chrome.get_log("performance"):
        event = json.loads(entry["message"])["message"]
        if event["method"] == "Network.requestWillBeSent":
            url = event["params"]["request"]["url"]
            if not url.startswith(
                (session.address, "data:", "about:", "chrome:")
            ):
                wrong.append(url)
    assert wrong == []


def test_every_script_has_its_page_and_pages_are_small() -> None:
    scripts = [*ROOT.glob("item*/main.py"), *ROOT.glob("item*/questions.py")]
    assert len(SCRIPTS) == len(scripts) > 9
    assert max((SITE / page).stat().st_size for page in PAGES) < 150_000
    whole = sum(p.stat().st_size for p in SITE.rglob("*") if p.is_file())
    assert whole < 3_000_000


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("page", PAGES)
def test_code_and_output_fit(page: str, width: int, window: Window) -> None:
    """Side by side in a wide window, else below each other."""
    window.visit(page, width)
    assert window.run("return document.documentElement.scrollWidth") <= width
    for pair in window.find(".pair"):
        code, output = (
            pair.find_element(By.CSS_SELECTOR, f".highlight-{kind}").rect
            for kind in ("python", "output")
        )
        if width == WIDE:
            assert code["x"] + code["width"] <= output["x"]
            assert abs(code["y"] - output["y"]) < 1
        else:
            assert code["y"] + code["height"] <= output["y"]
            assert abs(code["x"] - output["x"]) < 1
    if width == WIDE:
        assert window.run(CUT_OFF, ".pair pre") == []


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_cut_off_on_paper(page: str, window: Window) -> None:
    window.visit(page, PAPER, media="print")
    assert window.run("return document.documentElement.scrollWidth") <= PAPER
    assert window.run(CUT_OFF, "pre, .table-wrapper") == []


@pytest.mark.parametrize("page", SCRIPTS)
def test_sections_make_the_golden_transcript(
    page: str, window: Window
) -> None:
    """Each at its address, with the command that runs it."""
    window.visit(page)
    item, _, stem = page.removesuffix(".html").partition("-")
    (folder,) = ROOT.glob(f"{item}_*")
    golden = f"test_transcript[{folder.name}{stem and '-' + stem}].txt"
    shown = window.run("""
        return [...document.querySelectorAll("section:has(> .pair)")].map(
            section => [
                section.id,
                section.querySelector("h2").firstChild.data,
                section.querySelector(".highlight-output pre").textContent,
                section.querySelector(".highlight-sh pre").textContent,
            ])""")
    for anchor, heading, _, command in shown:
        label = heading.partition(":")[0].removeprefix("Question ")
        assert anchor == label.lower().replace(" ", "-")
        name = re.split("[ -]", label)[-1 if stem else 1]
        script = f"{folder.name}/{stem or 'main'}.py"
        assert command == f"python3 {script} {name}\n"
    text = "".join(f"{heading}\n{output}\n" for _, heading, output, _ in shown)
    masked = re.sub(r"(?m)^here: .*$", "here: ...", text)
    assert masked == (GOLDEN / golden).read_text()


def test_here_lines_are_set_apart(window: Window) -> None:
    window.visit("item56.html")
    (pre,) = window.find("#example-9 .highlight-output pre")
    (here,) = pre.find_elements(By.XPATH, "span[contains(., 'here:')]")
    assert here.value_of_css_property("font-style") == "italic"
    assert pre.value_of_css_property("font-style") == "normal"


@pytest.mark.parametrize("page", SCRIPTS)
def test_the_link_of_a_heading_leads_to_it(page: str, window: Window) -> None:
    window.visit(page)
    for link in window.run("""
        return [...document.querySelectorAll("h2 a.headerlink")]
            .map(link => link.getAttribute("href"))"""):
        window.visit(page + link)
        (heading,) = window.find(f"{link} > h2")
        WebDriverWait(window.chrome, 10).until(
            lambda _, heading=heading: window.run(IN_VIEW, heading)
        )


def test_every_link_has_its_target_and_all_are_found(window: Window) -> None:
    links, ids = {}, {}
    for page in PAGES:
        window.visit(page)
        hrefs = window.run("return [...document.links].map(l => l.href)")
        links[page] = {href.split("?")[0] for href in hrefs}
        ids[page] = set(
            window.run("""return [...document.querySelectorAll("[id]")]
                .map(element => element.id)""")
        )
    home = f"{window.address}/"
    for page, hrefs in links.items():
        for href in hrefs:
            if href.startswith(home):
                path, _, target = href.removeprefix(home).partition("#")
                assert not path or (SITE / path).is_file(), (page, href)
                known = {"", *ids.get(path or "index.html", ())}
                assert target in known, (page, href)
    asked = {
        f"{home}{page}#{letter}"
        for page in SCRIPTS
        for letter in "abcdefgh"
        if letter in ids[page]
    }
    items = {f"{home}{page}" for page in SCRIPTS}
    assert len(asked) > 20
    assert asked | items <= links["index.html"]


def test_a_name_leads_to_where_it_was_shown(window: Window) -> None:
    window.visit("item59.html")
    section = window.find("#examples-1-3")[0]
    section.find_element(By.LINK_TEXT, "LockingGrid").click()
    window.wait_for("item57.html#examples-1-3")
    assert "class LockingGrid" in window.find("#examples-1-3 pre")[0].text


def test_search_finds_item_54_by_a_word_of_its_code(window: Window) -> None:
    window.visit("index.html")
    window.find(".sidebar-search")[0].send_keys("Barrier", Keys.ENTER)
    results = "ul.search > li > a[href^='item54.html']"
    WebDriverWait(window.chrome, 10).until(lambda _: window.find(results))
    assert not window.find("ul.search > li > a[href^='item58.html']")


def test_arrow_keys_turn_the_pages(window: Window) -> None:
    window.visit("item54.html")
    ActionChains(window.chrome).send_keys(Keys.ARROW_RIGHT).perform()
    window.wait_for("item54-questions.html")
    ActionChains(window.chrome).send_keys(Keys.ARROW_LEFT).perform()
    window.wait_for("item54.html")


@pytest.mark.parametrize("kind", ["python", "sh"])
def test_buttons_copy_code_and_commands(kind: str, window: Window) -> None:
    """What was printed has no button."""
    window.visit("item54.html")
    for name in "clipboard-read", "clipboard-write":
        permission = {"permission": {"name": name}, "setting": "granted"}
        window.chrome.execute_cdp_cmd("Browser.setPermission", permission)
    (pair,) = window.find("#example-6 .pair")
    button = pair.find_element(By.CSS_SELECTOR, f".highlight-{kind} button")
    ActionChains(window.chrome).move_to_element(button).click().perform()
    copied = window.run("return navigator.clipboard.readText()")
    if kind == "sh":
        assert copied == "python3 item54_lock/main.py 6"
    else:
        assert copied.startswith("# Example 6\ndef one_lost_reading")
        assert copied.strip() in (ROOT / "item54_lock/main.py").read_text()
    assert not window.find(".highlight-output button")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing(page: str, scheme: str, window: Window) -> None:
    """No violation, of contrast or of anything else."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    window.visit(page, features=[feature])
    window.run(AXE)
    result = window.run("return axe.run()")
    assert [
        (violation["id"], node["html"], node["failureSummary"])
        for violation in result["violations"]
        for node in violation["nodes"]
    ] == []


def test_another_output_fails_the_build(tmp_path: Path) -> None:
    """And the build says where."""
    for folder in "docs", "item54_lock", GOLDEN.relative_to(ROOT):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    script = tmp_path / "item54_lock" / "main.py"
    source = script.read_text().replace("READINGS = 100", "READINGS = 99")
    script.write_text(source)
    command = [sys.executable, "-m", "sphinx", "-Q", "docs", "site"]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode != 0
    assert "item54_lock/main.py" in result.stderr
    assert "-Counter should be 500, got 100" in result.stderr
    assert "+Counter should be 495, got 99" in result.stderr
