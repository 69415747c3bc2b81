"""The site of the documentation: complete, every link leads somewhere, and no other host is asked.

What ``make docs`` built is opened in a browser; without it, or without Chromium, these tests skip.
"""

import importlib.util
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SITE = ROOT / "build" / "site"
CONFIG: Any = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
BESIDE = {"CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}
"""Pages of the root that .ci/docs_hooks.py adds."""
CHECK = ROOT / ".ci" / "site_check.py"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pages_of(nav: Any) -> Iterator[str]:
    """Every page of the navigation, in its order."""
    match nav:
        case str():
            yield nav
        case dict():
            for part in nav.values():
                yield from pages_of(part)
        case list():
            for part in nav:
                yield from pages_of(part)


NAV = list(pages_of(CONFIG["nav"]))


def test_every_page_is_in_the_navigation_once() -> None:
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert set(NAV) == there | BESIDE
    assert len(NAV) == len(set(NAV))
    assert all((ROOT / name).is_file() for name in BESIDE)


def test_no_page_of_the_site_links_to_what_the_site_lacks() -> None:
    """Other files of the repository are named, and not linked: they are not on the site."""
    for path in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([^)\s#]+)[^)\s]*\)", path.read_text(encoding="utf-8")):
            if target.startswith("https://"):
                continue
            there = (path.parent / target).resolve()
            inside = there.is_relative_to(DOCS) and there.is_file()
            assert inside or there.relative_to(ROOT).as_posix() in BESIDE, f"{path}: {target}"


def test_the_site_is_set_up_to_load_nothing_and_to_fail_for_a_broken_link() -> None:
    assert CONFIG["strict"] is True
    assert CONFIG["theme"]["font"] is False
    assert CONFIG["plugins"] == ["search", "offline"]
    assert "repo_url" not in CONFIG
    assert not [text for text in CONFIG["extra"]["polyfills"] if "://" in text]
    assert set(CONFIG["validation"]["links"].values()) == {"warn"}
    assert set(CONFIG["validation"]["nav"].values()) == {"warn"}


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_check", CHECK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/x.css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<img src="http://img.example/x.png" alt="">',
        "<style>@import 'https://fonts.example/x.css';</style>",
        '<p style="background: url(https://img.example/x.png)">',
    ],
)
def test_what_a_browser_would_load_is_found(check: ModuleType, tmp_path: Path, html: str) -> None:
    (tmp_path / "index.html").write_text(html, encoding="utf-8")
    assert len(list(check.findings(tmp_path))) == 1


def test_links_to_follow_are_fine(check: ModuleType, tmp_path: Path) -> None:
    page = '<link rel="canonical" href="https://docs.example/"><a href="https://a.example">a</a>'
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    assert list(check.findings(tmp_path)) == []
    (tmp_path / "x.css").write_text("a { background: url('//img.example/x') }", encoding="utf-8")
    assert list(check.findings(tmp_path)) == ["x.css loads //img.example/x"]


@pytest.mark.parametrize(
    ("link", "wrong"),
    [
        ("other.html", False),
        ("other.html#there", False),
        ("#here", False),
        ("#", False),
        ("sub/", False),
        ("/other.html", False),
        ("/gone.html", True),
        ("https://elsewhere.example/x", False),
        ("gone.html", True),
        ("other.html#gone", True),
        ("#gone", True),
        ("gone/", True),
    ],
)
def test_a_link_that_leads_nowhere_is_found(
    check: ModuleType, tmp_path: Path, link: str, wrong: bool
) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("other.html", "sub/index.html"):
        (tmp_path / name).write_text('<p id="there">', encoding="utf-8")
    (tmp_path / "index.html").write_text(f'<p id="here"><a href="{link}">', encoding="utf-8")
    assert bool(list(check.findings(tmp_path))) is wrong


def test_warnings_about_links_are_errors() -> None:
    """With --quiet, mkdocs drops warnings before it counts them."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [command] = re.findall(r"mkdocs build.*", makefile)
    assert not re.search(r"\s(-q|--quiet|--no-strict)\b", command)


def test_a_folder_without_a_page_is_no_site(check: ModuleType, tmp_path: Path) -> None:
    assert list(check.findings(tmp_path)) == [f"{tmp_path} holds no page"]


def is_built() -> bool:
    """Whether the site is there, and no older than what it is made of."""
    index = SITE / "index.html"
    made_of = [ROOT / "mkdocs.yml", *(ROOT / name for name in BESIDE), *DOCS.rglob("*.*")]
    return index.is_file() and index.stat().st_mtime > max(one.stat().st_mtime for one in made_of)


needs_site = pytest.mark.skipif(
    not is_built(), reason="the site is not built, or older than its pages: make docs"
)


def site_page(name: str) -> Path:
    return SITE / re.sub(r"(README|index)\.md$", "index.html", name).replace(".md", ".html")


@needs_site
def test_every_page_was_built_and_loads_nothing(check: ModuleType) -> None:
    assert [name for name in NAV if not site_page(name).is_file()] == []
    assert list(check.findings(SITE)) == []


COUNTED = ("h1", "h2", "h3", "ul", "ol", "li", "tr", "td", "pre", "em", "strong", "code")


class Counting(HTMLParser):
    """How often each element stands in the article of a page, or in all of it if it has none."""

    def __init__(self, *, whole: bool) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._inside = whole

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._inside |= tag == "article"
        if self._inside and tag in COUNTED:
            self.counts[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        self._inside &= tag != "article"


def counted(html: str, *, whole: bool) -> Counter[str]:
    parser = Counting(whole=whole)
    parser.feed(html)
    return parser.counts


@needs_site
@pytest.mark.parametrize("name", sorted(set(NAV) - BESIDE))
def test_a_page_has_the_lists_tables_and_examples_that_github_shows(name: str) -> None:
    """Two readers of Markdown: where they differ, one of them shows something else."""
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    reader = markdown_it.MarkdownIt("commonmark").enable("table")
    on_github = reader.render((DOCS / name).read_text(encoding="utf-8"))
    on_site = site_page(name).read_text(encoding="utf-8")
    assert counted(on_site, whole=False) == counted(on_github, whole=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@needs_site
def test_a_browser_asks_no_other_host_and_the_search_finds(browser: Any) -> None:
    page = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}).new_page()
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for name in NAV:
        page.goto(site_page(name).as_uri())
        assert page.locator("h1").count() == 1
    page.goto((SITE / "index.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("sister sites")
    page.locator(".md-search-result__item").first.wait_for(timeout=15_000)
    assert [url for url in requests if not url.startswith(("file://", "data:", "blob:"))] == []
    assert complaints == []
