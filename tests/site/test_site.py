"""The site, as a reader's browser shows it: `make test-site`."""

import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from itertools import groupby, pairwise
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any
from unittest.mock import patch

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from sphinx.errors import ExtensionError

from docs import pages
from tests.helpers import GOLDEN, ROOT, SCRIPTS, mask, run

SITE = ROOT / "site"
PAGES = sorted(path.name for path in SITE.glob("*.html"))
ITEM_PAGES = [page for page in PAGES if page.startswith("item")]
WIDE, NARROW, PAPER = 1280, 390, 700  # pixels
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "headless",
    "no-sandbox",
    "disable-background-networking",
    "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # only the site
)
AXE = (files("axe_core_python") / "axe.min.js").read_text()

# What is asked in the browser
WIDTH = "return document.documentElement.scrollWidth"
CUT_OFF = """return [...document.querySelectorAll(arguments[0])]
    .filter(box => box.scrollWidth > box.clientWidth)
    .map(box => box.textContent)"""
PAIRS = """return [...document.querySelectorAll(".pair")].map(pair =>
    [".code", arguments[0]].map(part =>
        pair.querySelector(part).getBoundingClientRect().toJSON()))"""
NOT_IN_VIEW = """const links = "h2 a.headerlink";
    const far = [...document.querySelectorAll(links)].filter(link => {
        document.getElementById(link.hash.slice(1)).scrollIntoView();
        const top = Math.round(link.parentElement.getBoundingClientRect().top);
        return top < 0 || innerHeight < top;
    });
    scrollTo(0, 0);
    return far.map(link => link.hash)"""
# Tokens of one class have one color: one of them is left for axe, which does
# not look at single characters.
LEAVE_ONE = """const seen = new Set();
    for (const token of document.querySelectorAll("pre span")) {
        const block = token.closest("[class*=highlight-]")?.className;
        const kind = block + token.className;
        if (seen.has(kind) || token.textContent.length < 2) token.remove();
        else seen.add(kind);
    }"""
HALF_WAY = """const [slider] = arguments;
    slider.value = slider.max / 2;
    slider.dispatchEvent(new Event("input"));"""
VIOLATIONS = """return axe.run(arguments[0])
    .then(result => result.violations.map(rule => [rule.id,
        rule.nodes.map(node => node.html + node.failureSummary)]))"""
SECTIONS = """return [...document.querySelectorAll("section:has(> .pair)")]
    .map(section => [section.id,
        section.querySelector("h2").firstChild.data,
        section.querySelector(".highlight-output pre").textContent,
        section.querySelector(".highlight-sh pre").textContent,
        [...section.querySelectorAll(":scope > p:not(.links)")]
            .map(p => p.textContent).join("\\n\\n")])"""
CODE = """return [...document.querySelectorAll(
    "details:not(.pair details) .highlight-python pre, .code pre")]
    .map(pre => pre.textContent)"""
# Each step of a recording, by the slider: what is told, what the line marked
# in the code is, how much is printed, whether line and panel can be seen.
STEPS = """const [forth, every] = arguments;
    const head = document.querySelector(".mobile-header").clientHeight;
    return [...document.querySelectorAll(".panel")].map(panel => {
        const range = panel.querySelector("input"), told = [];
        const pair = panel.closest(".pair");
        const out = pair.querySelector(".small, .highlight-output pre");
        pair.scrollIntoView();
        range.value = forth ? 0 : Number(range.max) + 1;
        const numbers = [...Array(Number(range.max)).keys()].map(n => n + 1);
        for (const n of forth ? numbers : numbers.reverse()) {
            if (n % every) continue;
            range.value = n;
            range.dispatchEvent(new Event("input"));
            const mark = pair.querySelector(".mark.moves");
            const pre = mark?.parentElement.querySelector("pre");
            const at = mark?.getBoundingClientRect();
            const box = panel.getBoundingClientRect();
            const text = document.createRange();
            if (pre) text.selectNodeContents(pre);
            const top = text.getBoundingClientRect().top;
            const todo = [...out.querySelectorAll(".todo")];
            told.push({
                n, told: range.ariaValueText,
                line: mark && pre.textContent.split("\\n")
                    [Math.round((at.top - top) / at.height)]
                    .replace(/ {2}#.*/, "").trim(),
                todo: todo.map(line => line.textContent).join(""),
                seen: -1 < box.top && box.bottom < innerHeight + 1 &&
                    (!mark || head <= at.top && at.bottom < innerHeight + 1 &&
                    (at.right <= box.left || at.bottom < box.top + 1)),
            });
        }
        range.value = 0;
        range.dispatchEvent(new Event("input"));
        scrollTo(0, 0);
        return told;
    })"""
RECORDED = """return [...document.querySelectorAll(".panel")].map(panel => [
    JSON.parse(panel.querySelector("script").textContent),
    panel.closest(".pair").querySelector(".small, .highlight-output pre")
        .textContent])"""
HERE_LINES = """return [...document.querySelectorAll(".highlight-output .ge")]
    .filter(span => span.textContent.startsWith("here: "))
    .map(span => getComputedStyle(span).fontStyle)"""


class Window:
    """A browser's window on the site."""

    def __init__(self, address: str, chrome: Chrome) -> None:
        self.address, self.chrome = address, chrome
        self.run = chrome.execute_script

    def show(self, width: int, media: str = "", scheme: str = "") -> None:
        """Let the window be so wide, on paper or not, light or dark."""
        size = {"width": width, "height": 900}
        size |= {"deviceScaleFactor": 1, "mobile": False}
        cdp = self.chrome.execute_cdp_cmd
        cdp("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        options = {"media": media, "features": features}
        cdp("Emulation.setEmulatedMedia", options)

    def visit(self, page: str) -> None:
        """Open a page in a wide window."""
        self.show(WIDE)
        self.chrome.get(f"{self.address}/{page}")

    def find(self, selector: str) -> list[Any]:
        """Return all elements that a CSS selector selects."""
        return self.chrome.find_elements(By.CSS_SELECTOR, selector)

    def wait_for(self, text: str) -> None:
        """Wait until the window's address has this text in it."""
        WebDriverWait(self.chrome, 10).until(lambda c: text in c.current_url)


@pytest.fixture(scope="module")
def browser() -> Iterator[Window]:
    """A browser, and a server of the site."""
    if not CHROMIUM or not DRIVER:
        needs = "chromium and chromedriver (Debian: chromium-driver)"
        pytest.exit(f"no test without {needs}", returncode=1)
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    handler = partial(SimpleHTTPRequestHandler, directory=str(SITE))
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        Chrome(options, ChromeService(DRIVER)) as chrome,
    ):
        threading.Thread(target=server.serve_forever).start()
        yield Window(f"http://127.0.0.1:{server.server_port}", chrome)
        server.shutdown()


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest, browser: Window) -> str:
    """Each page in turn, open for all tests of pages."""
    browser.visit(request.param)
    return str(request.param)


@pytest.fixture
def window(browser: Window) -> Iterator[Window]:
    """The window; fails for an error in it, or a request to another host."""
    yield browser
    assert browser.chrome.get_log("browser") == []


def test_sections_make_the_transcript(page: str, window: Window) -> None:
    """Each at its address, with its command; here: lines are set apart."""
    item, _, stem = page.removesuffix(".html").partition("-")
    folder = next((path.name for path in ROOT.glob(f"{item}_*")), "")
    text = ""
    for anchor, heading, output, command, words in window.run(SECTIONS):
        label = heading.partition(":")[0].removeprefix("Question ")
        assert anchor == label.lower().replace(" ", "-")
        name = re.split("[ -]", label)[-1 if stem else 1]
        assert command == f"python3 {folder}/{stem or 'main'}.py {name}\n"
        text += f"{heading}\n{output}\n" + (words and f"{words}\n\n")
    golden = GOLDEN / f"test_transcript[{folder}{stem and '-' + stem}].txt"
    expected = golden.read_text() if page in ITEM_PAGES else ""
    assert mask(text) == expected.replace("`", "") or (
        mask(text).replace("`", "") == expected.replace("`", "")
    )
    assert window.run(HERE_LINES) == ["italic"] * text.count("\nhere: ")


def test_pieces_of_code_make_the_script(page: str, window: Window) -> None:
    """With what is folded; each piece has its number as its address."""
    if page in ITEM_PAGES:
        name = page.removesuffix(".html")
        item, _, stem = name.partition("-")
        (script,) = ROOT.glob(f"{item}_*/{stem or 'main'}.py")
        source = script.read_text().partition('"""\n\n')[2]
        shown = "\n".join(window.run(CODE))
        assert shown.split() == source.split()
        for number in re.findall(r"# Example (\d+)\n", source):
            (piece,) = window.find(f"#example-{number}")
            assert f"# Example {number}\n" in piece.text


def test_steps_are_those_recorded(page: str, window: Window) -> None:
    """Forth and back; the panel is in view, and beside or below the code."""
    steps = window.run(STEPS, True, 1)
    for (data, output), told in zip(window.run(RECORDED), steps, strict=True):
        lines, count = output.splitlines(True), len(told)
        ends = [step[1] for step in data["steps"][1:]] + [len(lines)]
        for at, step, end in zip(told, data["steps"], ends, strict=True):
            line, where, _ = data["states"][step[2][step[0]]]
            name = f"step {at['n']} of {count}, {data['lanes'][step[0]][1]}"
            assert at["told"] == f"{name}: {at['line'] if line else where}"
            assert at["todo"].strip() == "".join(lines[end:]).strip()
    for forth, back in zip(steps, window.run(STEPS, False, 1), strict=True):
        for one, other in zip(forth, back[::-1], strict=True):
            assert {**one, "seen": 0} == {**other, "seen": 0}
    for width in WIDE, NARROW:
        window.show(width)
        for told in window.run(STEPS, True, 7):
            assert [at["n"] for at in told if not at["seen"]] == [], width
    window.show(WIDE)


def test_a_page_fits_windows_and_paper(page: str, window: Window) -> None:
    """Code and output are side by side, or below each other; links lead."""
    assert window.run(WIDTH) <= WIDE
    assert window.run(CUT_OFF, ".code pre, .highlight-output pre") == []
    for code, output in window.run(PAIRS, ".result"):
        assert code["right"] <= output["left"]
        assert code["top"] == output["top"]
    assert window.run(NOT_IN_VIEW) == []
    window.show(NARROW)
    assert window.run(WIDTH) <= NARROW
    for code, output in window.run(PAIRS, ".highlight-output"):
        assert code["bottom"] <= output["top"]
        assert code["left"] == output["left"]
    window.show(PAPER, "print")
    assert window.run(WIDTH) <= PAPER
    assert window.run(CUT_OFF, "pre, .table-wrapper") == []


def test_axe_finds_nothing(page: str, window: Window) -> None:
    """No violation, of contrast or of anything else, in light and dark."""
    for slider in window.find(".track input"):
        window.run(HALF_WAY, slider)
    window.run(AXE)
    window.run(LEAVE_ONE)
    contrast = {"runOnly": "color-contrast"}
    for scheme, rules in ("light", {}), ("dark", contrast):
        window.show(WIDE, scheme=scheme)
        assert window.run(VIOLATIONS, rules) == [], (page, scheme)


def test_every_link_has_its_target_and_all_pages_are_found() -> None:
    """Small pages, and from the first, each item and each question."""
    assert len(ITEM_PAGES) == len(SCRIPTS)
    assert max((SITE / page).stat().st_size for page in PAGES) < 250_000
    korean = sum(path.stat().st_size for path in SITE.rglob("ko/**/*"))
    both = sum(path.stat().st_size for path in SITE.rglob("*"))
    assert max(korean, both - korean) < 4_000_000
    texts = {page: (SITE / page).read_text() for page in PAGES}
    ids = {page: re.findall(r' id="([^"]+)"', texts[page]) for page in PAGES}
    for page, text in texts.items():
        for href in re.findall(r'<a [^>]*?href="([^":]*)"', text):
            path, _, target = href.partition("#")
            assert (SITE / path).exists(), (page, href)
            assert target in ["", *ids.get(path or page, [])], (page, href)
    for page in ITEM_PAGES:
        letters = [name for name in ids[page] if re.fullmatch("[a-h]", name)]
        assert ("questions" in page) == bool(letters)
        for target in page, *(f"{page}#{letter}" for letter in letters):
            assert f'href="{target}"' in texts["index.html"]


def test_a_name_leads_to_where_it_was_shown(window: Window) -> None:
    window.visit("item58.html")
    window.find("#examples-1-5 a[href^=item57]")[0].click()
    window.wait_for("item57.html#examples-1-3")
    assert "class LockingGrid" in window.find("#examples-1-3 pre")[0].text


@pytest.mark.parametrize("words", ["Barrier", "item 69"])
def test_search_finds_item_54(words: str, window: Window) -> None:
    """By a word of its code, and by its number in the third edition."""
    window.visit("index.html")
    window.find(".sidebar-search")[0].send_keys(words, Keys.ENTER)
    results = "ul.search > li > a[href^=item]"
    WebDriverWait(window.chrome, 10).until(lambda _: window.find(results))
    assert "item54" in window.find(results)[0].get_attribute("href")


def test_keys_move_the_slider_and_buttons_play(window: Window) -> None:
    window.visit("item54.html")
    slider, (back, on, play) = (
        window.find("#example-6 .track input")[0],
        window.find("#example-6 .controls button"),
    )
    at = partial(slider.get_attribute, "value")
    for key, value in (Keys.ARROW_RIGHT, "1"), (Keys.ARROW_LEFT, "0"):
        slider.send_keys(key)
        assert at() == value
    slider.send_keys(Keys.END)
    assert at() == slider.get_attribute("max")
    back.click()
    assert int(at()) == int(slider.get_attribute("max")) - 1
    on.click()
    play.click()  # from the start
    WebDriverWait(window.chrome, 10).until(lambda _: at() == "2")
    play.click()
    assert "item54.html" in window.chrome.current_url


def test_all_orders_of_two_threads(window: Window) -> None:
    """Four of six lose a reading; under the lock, these cannot happen."""
    window.visit("item54.html")
    a, b, again = window.find(".scheduler button")
    rows = [row.text.split() for row in window.find("#scheduler tbody tr")]
    for order in ["AABB", "ABAB", "ABBA", "BAAB", "BABA", "BBAA"]:
        for who in order:
            {"A": a, "B": b}[who].click()
        bare, locked = (box.text for box in window.find(".world"))
        serial = order in ("AABB", "BBAA")
        other = order[1] if not serial else ""
        assert ("both readings are kept" in bare) == serial
        assert ("a reading is lost" in bare) != serial
        assert (f"{other} waits for the lock" in locked) != serial
        told = ["kept:", "2"] if serial else ["lost:", "1"]
        there = told if serial else ["cannot", "happen:", other, "waits"]
        assert [
            *f"{order[0]}, {order[1]}, {order[2]}, {order[3]}".split(),
            *told,
            *there,
        ] in rows
        while a.is_enabled() or b.is_enabled():
            (a if a.is_enabled() else b).click()
        assert "both readings are kept" in window.find(".world")[1].text
        again.click()


def test_without_javascript(window: Window) -> None:
    """The track is an image, and says the same; all outputs can be read."""
    cdp = window.chrome.execute_cdp_cmd
    cdp("Emulation.setScriptExecutionDisabled", {"value": True})
    window.visit("item54.html")
    cdp("Emulation.setScriptExecutionDisabled", {"value": False})
    assert window.find(".track input") == []
    (image,) = window.find("#example-6 svg[role=img]")
    assert image.size["height"] > 40
    said = image.get_attribute("aria-label")
    assert re.search("main .* waits for A.*; A .* waits for B.*; B ", said)
    assert len(window.find("#scheduler tbody tr")) == 6
    assert len(window.find(".highlight-output")) == len(window.find(".pair"))


def test_arrow_keys_turn_the_pages(window: Window) -> None:
    window.visit("item54.html")
    window.find("body")[0].send_keys(Keys.ARROW_RIGHT)
    window.wait_for("item54-questions.html")
    window.find("body")[0].send_keys(Keys.ARROW_LEFT)
    window.wait_for("item54.html")


def test_an_arrow_key_scrolls_what_has_the_focus(window: Window) -> None:
    """Where there is something to scroll, no page is turned."""
    window.visit("item54.html")
    window.show(NARROW)
    boxes = window.find("pre")
    overflows = "return arguments[0].scrollWidth > arguments[0].clientWidth"
    box = next(box for box in boxes if window.run(overflows, box))
    box.send_keys(Keys.ARROW_RIGHT)
    moved = "return arguments[0].scrollLeft > 0"
    WebDriverWait(window.chrome, 10).until(lambda _: window.run(moved, box))
    assert window.chrome.current_url.endswith("item54.html")


def test_buttons_copy_code_and_commands(window: Window) -> None:
    window.visit("item54.html")
    for name in "clipboard-read", "clipboard-write":
        permission = {"permission": {"name": name}, "setting": "granted"}
        window.chrome.execute_cdp_cmd("Browser.setPermission", permission)
    copied = []
    for part in ".code", ".highlight-sh":
        (button,) = window.find(f"#example-6 {part} button")
        ActionChains(window.chrome).move_to_element(button).click().perform()
        copied.append(window.run("return navigator.clipboard.readText()"))
    code, command = copied
    assert command == "python3 item54_lock/main.py 6"
    assert code.startswith("# Example 6\ndef one_lost_reading")
    assert code.strip() in (ROOT / "item54_lock/main.py").read_text()
    assert not window.find(".highlight-output button")


def test_another_output_fails_the_build(tmp_path: Path) -> None:
    script = tmp_path / "item54_lock" / "main.py"
    shutil.copytree(ROOT / "item54_lock", script.parent)
    source = script.read_text().replace("READINGS = 100", "READINGS = 99")
    script.write_text(source)
    told = "-Counter should be 500, got 100\n+Counter should be 495, got 99"
    with (
        patch.dict(pages.SCRIPTS, item54=script),
        pytest.raises(ExtensionError, match=re.escape(told)),
    ):
        pages.read("item54")


def test_another_order_fails_the_build(tmp_path: Path) -> None:
    golden = tmp_path / "item54-one_lost_reading.txt"
    text = (pages.ORDERS / golden.name).read_text()
    golden.write_text(text.replace("B: return", "A: return"))
    told = "-A: return offset\n+B: return offset"
    with (
        patch.object(pages, "ORDERS", tmp_path),
        pytest.raises(ExtensionError, match=re.escape(told)),
    ):
        pages.record("item54", "one_lost_reading")


def test_a_step_tells_what_is_printed_and_who_is_alive() -> None:
    recording = pages.record("item54", "one_lost_reading")
    source = (ROOT / "item54_lock/main.py").read_text().splitlines()
    for (lane, printed, now, _), after in pairwise(recording["steps"]):
        line, *_ = recording["states"][now[lane]]
        prints = source[line - 1].lstrip().startswith("print(")
        assert after[1] - printed == prints
    assert [bool(state) for state in after[2]] == [True, False, False]
    recording = pages.record("item52", "poll_and_work")
    lives = [now[1] > 0 for _, _, now, _ in recording["steps"]]
    assert [alive for alive, _ in groupby(lives)] == [False, True, False]


def test_a_constant_that_is_not_there_fails_the_build() -> None:
    small = {"item54": {"lost_readings": {"SENSOR": 3}}}
    with (
        patch.object(pages, "SMALL", small),
        pytest.raises(CalledProcessError),
    ):
        pages.record("item54", "lost_readings")


def test_a_lost_part_of_a_readme_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/conf.py").write_text("extensions = ['myst_parser']")
    shutil.copy(ROOT / "docs/terms.md", tmp_path / "docs/index.md")
    readme = (ROOT / "README.md").read_text()
    build = partial(run, "-m", "sphinx", "-QW", "docs", "site", cwd=tmp_path)
    for lost in "", "## The chapter's terms":
        (tmp_path / "README.md").write_text(readme.replace(lost, ""))
        assert bool(build().returncode) == bool(lost)
