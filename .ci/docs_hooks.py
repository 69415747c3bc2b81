"""What the site has beyond docs/: pages that stand beside the README, with their links.

mkdocs calls these functions by their names.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
"""Where forges look for them: they stay at the root."""
_TO_DOCS = re.compile(r"\]\(docs/")
_TO_ROOT = re.compile(r"\]\(\.\./(" + "|".join(BESIDE) + r")")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages of the root, as if they were in docs/."""
    for name in BESIDE:
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=_TO_DOCS.sub("](", text)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lead links to the root to where these pages are on the site."""
    return _TO_ROOT.sub(r"](\1", markdown)
