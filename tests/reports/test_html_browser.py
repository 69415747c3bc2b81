"""The HTML page in a real browser: it loads nothing, needs no mouse, and axe finds nothing.

Needs Chromium, playwright, and for axe npm; what a machine does not have is skipped with a reason.
"""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reports.example_scan import example_scan
from tests.reports.page import HOSTILE, fleet, hostile_scan, signed_off, trend_to, write_page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AXE_VERSION = "4.14.1"
AXE_INTEGRITY = (
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2"
    "S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)
VIOLATIONS = "r => r.violations.map(v => v.id + ' ' + v.nodes[0].html)"
NPM = Path(__file__).parents[2] / ".ci" / "npm_package.py"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    spec = importlib.util.spec_from_file_location("npm_package", NPM)
    assert spec is not None
    assert spec.loader is not None
    npm = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(npm)
    package = npm.Package("axe-core", AXE_VERSION, AXE_INTEGRITY)
    try:
        folder = npm.install(package, tmp_path_factory.mktemp("axe"))
    except npm.NotInstallableError as error:
        pytest.skip(str(error))
    return Path(folder, "axe.min.js").read_text(encoding="utf-8")


class Opened:
    """A page with everything that it requested and complained about."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


def opened(browser: Any, address: str, **options: Any) -> Opened:
    viewport = {"width": options.pop("width", 1280), "height": 900}
    context = browser.new_context(viewport=viewport, offline=True, **options)
    found = Opened(context.new_page())
    found.page.goto(address)
    return found


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> str:
    scan, folder = example_scan(), tmp_path_factory.mktemp("page")
    decided = signed_off("Jane Doe", verified=True)
    return write_page(scan, folder, trend=trend_to(scan), sign_offs=decided)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_page(fleet(2000), tmp_path_factory.mktemp("page"))


def accounts(page: Any) -> list[str]:
    return [str(text) for text in page.locator("#accounts tbody button").all_inner_texts()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_loaded_nothing_is_wrong_and_axe_finds_nothing(
    browser: Any, example: str, axe: str, scheme: str, width: int
) -> None:
    found = opened(browser, example, color_scheme=scheme, width=width)
    page = found.page
    page.evaluate(axe)
    rules = f"axe.run().then({VIOLATIONS})"
    assert page.evaluate(rules) == []
    page.locator("#accounts tbody button").first.click()
    assert page.locator("#drawer[open]").count() == 1
    assert page.evaluate(rules) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert found.requests == [example]
    assert found.complaints == []


def test_a_number_of_the_posture_filters_the_matrix(browser: Any, example: str) -> None:
    page = opened(browser, example).page
    page.locator('.count[data-line="funds"][data-state="f"]').click()
    assert accounts(page) == ["mm-gate"]
    assert page.locator("#shown").inner_text() == "1 of 5 accounts, funds can leave: violation."
    page.locator('.count[data-line="funds"][data-state="f"]').click()
    assert len(accounts(page)) == 5


def test_a_link_shows_the_same_view(browser: Any, large: str) -> None:
    page = opened(browser, large).page
    page.locator("#filters [name=q]").fill("bot-0010")
    page.locator("#filters [name=exchange]").select_option("gate")
    page.locator('th[data-sort="account"] button').click()
    page.locator('th[data-sort="account"] button').click()
    assert accounts(page) == ["bot-00105", "bot-00100"]
    again = opened(browser, page.url).page
    assert accounts(again) == ["bot-00105", "bot-00100"]
    assert again.locator("#filters [name=q]").input_value() == "bot-0010"
    assert again.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    again.locator("#clear").click()
    assert again.locator("#shown").inner_text() == "2,000 of 2,000 accounts."


def test_a_long_list_is_filled_when_somebody_goes_there(browser: Any, large: str) -> None:
    page = opened(browser, f"{large}#?owner=bot-00007").page
    owners = page.locator("#filters [name=owner]")
    assert owners.input_value() == "bot-00007"
    assert accounts(page) == ["bot-00007"]
    assert owners.locator("option").count() == 2
    owners.focus()
    assert owners.locator("option").count() == 2001
    assert owners.input_value() == "bot-00007"
    owners.select_option("bot-01999")
    assert accounts(page) == ["bot-01999"]
    assert page.locator("#filters [name=exchange] option").count() == 6


def test_a_link_to_an_account_opens_it(browser: Any, example: str) -> None:
    page = opened(browser, f"{example}#?account=vault-bybit").page
    assert page.locator("#drawer[open] h2").inner_text() == "vault-bybit"
    page.keyboard.press("Escape")
    page.wait_for_url(lambda address: "account=" not in address)


def test_only_the_rows_in_sight_are_in_the_document(browser: Any, large: str) -> None:
    page = opened(browser, large).page
    assert 10 < len(accounts(page)) < 100
    page.evaluate("document.getElementById('grid').scrollTop = 1e9")
    page.locator('[data-account="1999"]').wait_for()
    assert accounts(page)[-1] == "bot-01999"
    assert len(accounts(page)) < 100


def test_the_keyboard_alone_reaches_everything(browser: Any, example: str) -> None:
    page = opened(browser, example).page
    reached = set()
    for _ in range(400):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "(e => e.dataset.account ? 'account' : e.dataset.line ? 'count'"
                " : e.parentElement && e.parentElement.dataset.sort ? 'sort'"
                " : e.name || e.id || e.getAttribute('href') || e.tagName)(document.activeElement)"
            )
        )
        if "#sign-off" in reached and "BODY" in reached:
            break
    fields = {"q", "verdict", "severity", "exchange", "owner", "label", "clear", "grid"}
    assert reached >= fields | {"#act-now", "#sign-off", "account", "count", "sort", "SUMMARY"}
    page.locator("#accounts tbody button").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.locator("#drawer[open] h2").inner_text() == accounts(page)[1]
    page.keyboard.press("Escape")
    assert page.locator("#drawer[open]").count() == 0
    assert page.evaluate("document.activeElement.innerText") == accounts(page)[1]


def test_the_drawer_shows_facts_with_their_proof_and_unknowns_with_their_reason(
    browser: Any, example: str
) -> None:
    page = opened(browser, example).page
    page.get_by_role("button", name="mm-gate").first.click()
    text = page.locator("#drawer").inner_text()
    for part in ("GP001 withdrawal-enabled", "observed", "policies/baseline.yaml", "not_disclosed"):
        assert part in text
    page.locator("#drawer .close").click()
    assert page.locator("#drawer[open]").count() == 0


def test_hostile_names_stay_text_and_break_no_layout(
    browser: Any, axe: str, tmp_path: Path
) -> None:
    scan = hostile_scan()
    said = signed_off(" ".join(HOSTILE), verified=False)
    address = write_page(scan, tmp_path, trend=trend_to(scan), sign_offs=said)
    for width, scheme in ((1280, "light"), (400, "dark")):
        found = opened(browser, address, width=width, color_scheme=scheme)
        assert found.page.locator("img").count() == 0
        assert HOSTILE[0] in found.page.locator(".decisions li").first.inner_text()
        assert found.page.locator(".decisions .unverified").count() == 3
        found.page.evaluate(axe)
        assert found.page.evaluate(f"axe.run('#sign-off').then({VIOLATIONS})") == []
        assert found.page.evaluate("document.documentElement.scrollWidth") <= width
        for position in range(6):
            found.page.locator(f'[data-account="{position}"]').evaluate("one => one.click()")
            assert found.page.locator("#drawer img").count() == 0
            found.page.keyboard.press("Escape")
        assert found.complaints == []
        assert found.requests == [address]


def test_without_javascript_the_posture_the_violations_and_the_rows_are_there(
    browser: Any, example: str
) -> None:
    page = opened(browser, example, java_script_enabled=False).page
    assert page.locator("#filters").is_hidden()
    assert page.locator("#accounts tbody tr").count() == 5
    assert page.locator(".problem").count() > 1
    assert page.locator(".posture tbody tr").count() >= 6
    assert page.locator(".chart").first.is_visible()
    page.locator("#trend summary").click()
    assert page.locator("#trend details tbody tr").count() == 30
    assert page.locator("#trend details tbody tr").last.is_visible()
    assert page.locator(".decisions .verified").count() == 3


def test_everything_is_printed(browser: Any, large: str) -> None:
    page = opened(browser, large).page
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(accounts(page)) == 2000
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(accounts(page)) < 100
