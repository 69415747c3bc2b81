"""The built site: nothing in it loads anything from another host, and every link leads somewhere.

    .ci/site_check.py FOLDER

Links that a reader may follow to other hosts are fine; what a browser would load by itself is not.
Exit codes: 0 fine, 1 findings.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

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


class Page(HTMLParser):
    """Collects what a page loads from other hosts, where it links to, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.foreign: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        names = LOADING.get(tag, ())
        if tag == "link" and not NOT_LOADED & set(given.get("rel", "").split()):
            names = ("href",)
        addresses = [given[name] for name in names if name in given]
        self.foreign += [value for value in addresses if FOREIGN.match(value.strip())]
        self.foreign += IN_STYLE.findall(given.get("style", ""))


def findings(folder: Path) -> Iterator[str]:
    """What is wrong with a site, one line each."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.html"))}
    pages = {path.resolve(): Page(text) for path, text in texts.items()}
    if not pages:
        yield f"{folder} holds no page"
    for path, text in texts.items():
        name, page = path.relative_to(folder), pages[path.resolve()]
        styles = "".join(re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL))
        for address in (*page.foreign, *IN_STYLE.findall(styles)):
            yield f"{name} loads {address}"
        for link in dict.fromkeys(page.links):
            if not leads_somewhere(link, path.resolve(), folder.resolve(), pages):
                yield f"{name} links to {link}, which is not there"
    for style in sorted(folder.rglob("*.css")):
        for address in IN_STYLE.findall(style.read_text(encoding="utf-8")):
            yield f"{style.relative_to(folder)} loads {address}"


def leads_somewhere(link: str, path: Path, site: Path, pages: Mapping[Path, Page]) -> bool:
    """Whether a link of a page leads to a file of the site, and to an anchor that is there.

    One that begins with a slash, as on the page for what is not found, begins at the site.
    """
    if re.match(r"(?:https?|mailto|javascript):", link):
        return True
    file, _, anchor = unquote(link).partition("#")
    above = site if file.startswith("/") else path.parent
    there = (above / file.lstrip("/")).resolve() if file else path
    if there.is_dir():
        there /= "index.html"
    if not there.is_file():
        return False
    # An empty anchor is the top of a page.
    return not anchor or there not in pages or anchor in pages[there].anchors


def main() -> int:
    """Print what is wrong."""
    found = list(findings(Path(sys.argv[1])))
    print("\n".join(found) or "every link leads somewhere, and nothing loads from other hosts")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
