"""The page about drift names every change, and no other."""

import re
from pathlib import Path

import gatepolicy.drift

DOCS = (Path(__file__).parents[2] / "docs" / "drift.md").read_text(encoding="utf-8")
CODE = "".join(
    path.read_text(encoding="utf-8") for path in Path(gatepolicy.drift.__path__[0]).glob("c*.py")
)


def test_every_change_is_named() -> None:
    named = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', CODE))
    assert named == set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", DOCS))
    assert len(named) > 20
