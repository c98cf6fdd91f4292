"""The site in Korean: what is said, and what a reader's browser shows."""

import re
from warnings import catch_warnings, simplefilter

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from sphinx.application import Sphinx

from tests.helpers import ROOT
from tests.site.missing import FILE, read
from tests.site.test_site import (
    AXE,
    LEAVE_ONE,
    NARROW,
    PAGES,
    SITE,
    VIOLATIONS,
    WIDE,
    WIDTH,
    Window,
    browser,
    window,
)

__all__ = ["browser", "window"]  # fixtures
# What is English on purpose: books, licences, what programs print, names
ENGLISH = re.compile(
    r"Effective Python: 90 Specific Ways to Write Better Python|Brett Slatkin|"
    r"Apache License 2\.0|Thread Safety Guarantees|@pradyunsg's|"
    r"Sphinx and|subprocess N is still running|never awaited|"
    r"cannot be called from a running event loop|"
    r"Task was destroyed but it is pending!|Better way \d\d|"
    r"global interpreter lock|\((?:[a-z]+ )?[a-z-]+\)"
)
# All text but code, and what is said to those who cannot see it
PROSE = """const code = "pre, code, script, style, [lang=en]";
    const texts = [...document.body.querySelectorAll("*:not(" + code + ")")]
        .filter(element => !element.closest(code + ", .lanes, svg"))
        .flatMap(element => [...element.childNodes])
        .filter(node => node.nodeType === Node.TEXT_NODE)
        .map(node => node.data);
    const labels = ["aria-label", "alt", "title", "placeholder"]
        .flatMap(name => [...document.body.querySelectorAll(`[${name}]`)]
        .map(element => element.getAttribute(name)));
    return [document.title, ...texts, ...labels]"""
SAME = """return [...document.querySelectorAll("article pre")]
    .map(pre => pre.textContent)"""
TWIN = "link[rel=alternate], .sidebar-drawer a[hreflang]"


def shape(text: str) -> set[str]:
    """Return placeholders, code, and where links lead: these stay."""
    return {*re.findall(r"\{\d?\}|`[^`]+`|\]\([^)]+\)", text)}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return all that the site says in English, on this Python."""
    docs, folder = ROOT / "docs", tmp_path_factory.mktemp("gettext")
    with pytest.MonkeyPatch.context() as patch, catch_warnings():
        simplefilter("ignore")  # those of other people's extensions
        patch.syspath_prepend(docs)
        patch.setattr("pages.write_pages", lambda *_: None)  # they are there
        sphinx = Sphinx(docs, docs, folder, folder / "d", "gettext", {}, None)
        sphinx.build()
    return {text.id for text in read(folder / "sphinx.pot")}


def test_every_text_that_is_there_is_sound(
    said: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Said in English, too, not fuzzy, and with all of its code and links."""
    texts = [text for text in read(FILE) if text.id]
    told = {text.id for text in texts if text.string}
    with capsys.disabled():
        print(f"{len(said - told) - 1} of {len(said) - 1} texts are missing")
    assert {text.id for text in texts} - said == set(), "make translations"
    assert [text.id for text in texts if text.fuzzy] == []
    assert not read(FILE).obsolete
    broken = [
        t.id for t in texts if t.string and shape(t.id) != shape(t.string)
    ]
    assert broken == []


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest, browser: Window) -> str:
    """Each Korean page in turn, open for all tests of pages."""
    browser.visit(f"ko/{request.param}")
    return str(request.param)


def test_the_switch_leads_there_and_back(page: str, window: Window) -> None:
    """To a page with the same code and the same outputs."""
    korean = window.run(SAME)
    assert window.run("return document.documentElement.lang") == "ko"
    for language, folder in ("en", ""), ("ko", "ko/"):
        there = f"{window.address}/{folder}{page}"
        twins = window.find(TWIN)
        assert [t.get_attribute("href") for t in twins] == [there] * 2
        assert [t.get_attribute("hreflang") for t in twins] == [language] * 2
        twins[1].click()
        window.wait_for(there)
        assert window.run(SAME) == korean


def test_no_english_prose_is_left(
    page: str, window: Window, said: set[str]
) -> None:
    """But for texts that are missing, and names."""
    told = {text.id for text in read(FILE) if text.string}
    missing = " ".join(re.sub(r"[\W_]+", " ", text) for text in said - told)
    left = []
    for text in window.run(PROSE):
        english = re.findall(r"(?:[A-Za-z']{2,} ){2}", ENGLISH.sub("", text))
        if english and re.sub(r"[\W_]+", " ", text) not in missing:
            left.append(text)
    assert left == []


def test_a_page_fits_and_axe_finds_nothing(page: str, window: Window) -> None:
    window.show(NARROW)
    assert window.run(WIDTH) <= NARROW
    window.show(WIDE)
    window.run(AXE)
    window.run(LEAVE_ONE)
    assert window.run(VIOLATIONS, {}) == []


def test_every_link_has_its_target() -> None:
    ids = {
        page: re.findall(r' id="([^"]+)"', (SITE / "ko" / page).read_text())
        for page in PAGES
    }
    for page in PAGES:
        text = (SITE / "ko" / page).read_text()
        for href in re.findall(r'<a [^>]*?href="([^":]*)"', text):
            path, _, target = href.partition("#")
            assert (SITE / "ko" / path).exists(), (page, href)
            if not path.startswith(".."):
                assert target in ["", *ids[path or page]], (page, href)


@pytest.mark.parametrize(
    ("words", "item"),
    [("락", "54"), ("교착", "54"), ("큐", "55"), ("데이터 경합", "54")],
)
def test_search_finds_words(words: str, item: str, window: Window) -> None:
    """Whatever particle follows them."""
    window.visit("ko/index.html")
    window.find(".sidebar-search")[0].send_keys(words, Keys.ENTER)
    found = f"ul.search > li > a[href^=item{item}]"
    WebDriverWait(window.chrome, 10).until(lambda _: window.find(found))
