"""The HTML page of a large fleet: its size, and how long a reader waits in a real browser."""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from tests.reports.page import fleet, page_of

ACCOUNTS = 10_000
ROWS_PAINTED = """() => new Promise(painted => {
    const look = () => document.querySelector('#accounts tbody button')
        ? requestAnimationFrame(() => requestAnimationFrame(painted)) : setTimeout(look, 5);
    look();
})"""
FILTER = """text => {
    const field = document.querySelector('#filters [name=q]');
    const start = performance.now();
    field.value = text;
    field.dispatchEvent(new Event('input', {bubbles: true}));
    document.body.offsetHeight;
    return performance.now() - start;
}"""


def main() -> None:
    """Print the figures; what this machine cannot have is said."""
    start = time.perf_counter()
    html = page_of(fleet(ACCOUNTS))
    seconds = time.perf_counter() - start
    size = len(html.encode()) / 1e6
    print(f"page of {ACCOUNTS:,} accounts  {size:.1f} MB (aim <= 8), rendered in {seconds:.1f} s")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("page in a browser           not measured: there is no Chromium on this machine")
        return
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder, "report.html")
        file.write_text(html, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shown, typed = [], []
        for _ in range(3):
            page = browser.new_page()
            start = time.perf_counter()
            page.goto(f"{file.as_uri()}#matrix")
            page.evaluate(ROWS_PAINTED)
            shown.append(time.perf_counter() - start)
            typed += [page.evaluate(FILTER, text) for text in ("b", "bo", "bot-0", "bot-012")]
            page.close()
        browser.close()
    print(f"  until the matrix shows    {statistics.median(shown):.2f} s (aim <= 1.5)")
    print(f"  a keystroke in the filter {statistics.median(typed):.0f} ms (aim <= 100)")


if __name__ == "__main__":
    main()
