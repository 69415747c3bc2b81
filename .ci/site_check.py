"""The built site: nothing in it makes a browser load anything from another host.

    .ci/site_check.py FOLDER

mkdocs checks the links. Links that a reader may follow to other hosts are fine; what a browser
would load by itself is not. Exit codes: 0 fine, 1 findings.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

LOADING = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "use": ("href", "xlink:href"),
    "form": ("action",),
}
"""Element to the attributes that a browser loads."""
NOT_LOADED = {"canonical", "prev", "next", "edit"}
"""Relations of a link in the head that no browser follows by itself."""
FOREIGN = re.compile(r"^(?:[a-z]+:)?//", re.IGNORECASE)
IN_STYLE = re.compile(r"(?:url\(|@import)\s*['\"]?((?:[a-z]+:)?//[^'\")\s]+)", re.IGNORECASE)


class Loaded(HTMLParser):
    """Collects what a page loads from other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        given = {name: value or "" for name, value in attrs}
        names = LOADING.get(tag, ())
        if tag == "link" and not NOT_LOADED & set(given.get("rel", "").split()):
            names = ("href",)
        addresses = [given[name] for name in names if name in given]
        self.foreign += [value for value in addresses if FOREIGN.match(value.strip())]
        self.foreign += IN_STYLE.findall(given.get("style", ""))


def findings(folder: Path) -> Iterator[str]:
    """What is wrong with a site, one line each."""
    pages = sorted(folder.rglob("*.html"))
    if not pages:
        yield f"{folder} holds no page"
    for page in pages:
        text = page.read_text(encoding="utf-8")
        parser = Loaded()
        parser.feed(text)
        styles = "".join(re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL))
        for address in (*parser.foreign, *IN_STYLE.findall(styles)):
            yield f"{page.relative_to(folder)} loads {address}"
    for style in sorted(folder.rglob("*.css")):
        for address in IN_STYLE.findall(style.read_text(encoding="utf-8")):
            yield f"{style.relative_to(folder)} loads {address}"


def main() -> int:
    """Print what is wrong."""
    found = list(findings(Path(sys.argv[1])))
    print("\n".join(found) or f"{sys.argv[1]} loads nothing from other hosts")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
