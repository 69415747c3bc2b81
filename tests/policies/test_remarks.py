"""What a policy may say, and hardly anybody means, is remarked upon."""

from pathlib import Path

import pytest

from gatepolicy.policies.load import load_policies
from gatepolicy.policies.remarks import softened_guards
from gatepolicy.resources import policies_directory
from gatepolicy.rules.catalog import load_rules

HEAD = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: desk, title: The desk}
"""
ASKS = """\
permissions: {forbid: [withdraw]}
ip_binding: {required: true}
"""


def remarks(folder: Path, text: str) -> list[tuple[int, str]]:
    file = folder / "p.yaml"
    file.write_text(HEAD + text, encoding="utf-8")
    found = softened_guards(load_policies([str(file)]), load_rules())
    return [(one.location.line, one.text.split(" is only")[0]) for one in found]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            ASKS + "on_unknown:\n  default: warn\n",
            [
                (7, "on_unknown.default: an unknown withdrawal-enabled"),
                (7, "on_unknown.default: an unknown ip-unbound"),
            ],
        ),
        (
            ASKS + "on_unknown:\n  default: warn\n  withdraw: block\n  ip_binding: incomplete\n",
            [],
        ),
        (
            ASKS + "on_unknown:\n  withdraw: warn\n",
            [(7, "on_unknown.withdraw: an unknown withdrawal-enabled")],
        ),
        (
            ASKS + "exchanges:\n  okx:\n    on_unknown: {ip-unbound: warn}\n",
            [(8, "on_unknown.ip-unbound: an unknown ip-unbound")],
        ),
        ("key: {max_age: 90d}\non_unknown: {default: warn}\n", []),
        (ASKS + "on_unknown: {transfer: warn, key: warn}\n", []),
    ],
)
def test_a_softened_guard_of_funds_is_told_with_its_line(
    tmp_path: Path, text: str, told: list[tuple[int, str]]
) -> None:
    assert remarks(tmp_path, text) == told


def test_the_shipped_policies_soften_none() -> None:
    files = sorted(map(str, policies_directory().glob("*.yaml")))
    assert list(softened_guards(load_policies(files), load_rules())) == []
