"""Policies upon policies: the strictest holds, and loosening is said aloud or refused."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepolicy.errors import DocumentError
from gatepolicy.evaluate.evaluate import evaluate
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.facts import Access, Fact, Facts, Grade, Grant, Provenance
from gatepolicy.model.scan import PolicySource
from gatepolicy.model.verdicts import OnUnknown, Outcome, Severity
from gatepolicy.policies.compile import compile_policy
from gatepolicy.policies.load import load_policies
from gatepolicy.policies.parents import Definition, Names
from gatepolicy.policies.policy import Policy, capabilities
from gatepolicy.rules.catalog import load_rules
from tests.policies.example_exchange import HEAD

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PARENT = """\
apiVersion: gatepolicy/v1
kind: Policy
metadata: {name: parent, title: The parent}
"""
EXTENDS = f"{HEAD}extends: [parent.yaml]\n"


def load(texts: dict[str, str], file: str = "desk.yaml", names: Names | None = None) -> Policy:
    def read(path: Path) -> bytes:
        if str(path) in texts:
            return texts[str(path)].encode()
        return path.read_bytes()

    (policy,) = load_policies([file], read=read, names=names or Names())
    return policy


def upon(parent: str, child: str) -> Policy:
    return load({"parent.yaml": PARENT + parent, "desk.yaml": EXTENDS + child})


def refused(parent: str, child: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        upon(parent, child)
    return [str(problem) for problem in caught.value.problems]


def test_what_is_not_said_is_inherited_with_its_line() -> None:
    policy = upon("key: {max_age: 90d}\n", "ip_binding: {required: true}\n")
    clause = policy.general.clauses["key.max_age"]
    assert clause.value == timedelta(days=90)
    assert str(clause.location) == "parent.yaml:4:7"
    assert str(policy.general.clauses["ip_binding.required"].location) == "desk.yaml:5:14"
    (source,) = policy.extends
    assert (source.name, source.file) == ("parent", "parent.yaml")


def test_a_policy_that_only_extends_asks_what_its_parent_asks() -> None:
    assert set(upon("key: {max_age: 90d}\n", "").general.clauses) == {"key.max_age"}


@pytest.mark.parametrize(
    ("parent", "child", "place", "value"),
    [
        ("key: {max_age: 90d}", "key: {max_age: 30d}", "key.max_age", timedelta(days=30)),
        ("key: {max_idle: 9d}", "key: {max_idle: 9d}", "key.max_idle", timedelta(days=9)),
        ("key: {min_days_to_expiry: 7}", "key: {min_days_to_expiry: 14}",
         "key.min_days_to_expiry", 14),
        ("ip_binding: {widest: 28}", "ip_binding: {widest: 32}", "ip_binding.widest", 32),
        ("ip_binding: {at_most: 4}", "ip_binding: {at_most: 1}", "ip_binding.at_most", 1),
        ("ip_binding: {within: [203.0.113.0/24]}", "ip_binding: {within: [203.0.113.0/28]}",
         "ip_binding.within", (ip_network("203.0.113.0/28"),)),
        ("permissions: {allow: [read, trade.spot]}", "permissions: {allow: [read]}",
         "permissions.allow", ("read",)),
        ("key: {name: '^ICG'}", "key: {name: '^ICG'}", "key.name", "^ICG"),
        ("key: {trading_pairs: {within: [A_B, C_D]}}", "key: {trading_pairs: {within: [A_B]}}",
         "key.trading_pairs.within", ("A_B",)),
        ("key: {active: false}", "key: {active: true}", "key.active", True),
    ],
)  # fmt: skip
def test_what_is_stricter_holds(parent: str, child: str, place: str, value: object) -> None:
    clause = upon(parent + "\n", child + "\n").general.clauses[place]
    assert clause.value == value
    assert clause.location.file == "desk.yaml"


def test_lists_of_what_is_forbidden_and_required_grow() -> None:
    policy = upon(
        "permissions: {forbid: [withdraw], require: [read]}\n",
        "permissions: {forbid: [transfer], require: [trade.spot]}\n",
    )
    clauses = policy.general.clauses
    forbid = clauses["permissions.forbid"]
    assert capabilities(forbid) == ("transfer", "withdraw")
    assert [str(forbid.items[item]) for item in ("transfer", "withdraw")] == [
        "desk.yaml:5:24",
        "parent.yaml:4:24",
    ]
    assert capabilities(clauses["permissions.require"]) == ("trade.spot", "read")


@pytest.mark.parametrize(
    ("parent", "child", "told"),
    [
        ("key: {max_age: 90d}", "key: {max_age: 91d}",
         "desk.yaml:5:7: key.max_age: loosens what is inherited from parent.yaml:4:7;"
         " make it stricter, or override key.max_age with a reason"),
        ("ip_binding: {required: true}", "ip_binding: {required: false}",
         "desk.yaml:5:14: ip_binding.required: loosens what is inherited from parent.yaml:4:14;"
         " make it stricter, or override ip_binding.required with a reason"),
        ("ip_binding: {within: [203.0.113.0/28]}", "ip_binding: {within: [203.0.113.0/27]}",
         "desk.yaml:5:14: ip_binding.within: loosens what is inherited from parent.yaml:4:14;"
         " make it stricter, or override ip_binding.within with a reason"),
        ("permissions: {allow: [read]}", "permissions: {allow: [read, trade.spot]}",
         "desk.yaml:5:15: permissions.allow: loosens what is inherited from parent.yaml:4:15;"
         " make it stricter, or override permissions.allow with a reason"),
        ("key: {name: '^ICG'}", "key: {name: '^MM'}",
         "desk.yaml:5:7: key.name: cannot be compared with what is inherited from parent.yaml:4:7;"
         " make it stricter, or override key.name with a reason"),
        ("key: {max_age: 9d}\nseverity: {key-too-old: high}", "severity: {GP020: low}",
         "desk.yaml:5:12: severity.key-too-old: low is less than the inherited high;"
         " make it stricter, or override severity.key-too-old with a reason"),
        ("key: {max_age: 9d}\non_unknown: {key: block}", "on_unknown: {key: warn}",
         "desk.yaml:5:14: on_unknown.key: warn is looser than the inherited block of key-too-old;"
         " make it stricter, or override on_unknown.key with a reason"),
        ("key: {max_age: 9d}", "severity: {GP020: info}",
         "desk.yaml:5:12: severity.key-too-old: info is less than the inherited medium;"
         " make it stricter, or override severity.key-too-old with a reason"),
        ("key: {max_age: 9d}", "on_unknown: {default: warn}",
         "desk.yaml:5:14: on_unknown.default: warn is looser than the inherited incomplete of"
         " key-too-old; make it stricter, or override on_unknown.default with a reason"),
        ("key: {max_age: 9d}\nevidence: {accept: [observed]}",
         "evidence: {accept: [observed, attested]}",
         "desk.yaml:5:12: evidence.accept: attested is not accepted as proof by the parent policy;"
         " make it stricter, or override evidence.accept with a reason"),
        ("exchanges: {gate: {permissions: {allow: {spot: read-only}}}}",
         "exchanges: {gate: {permissions: {allow: [spot, account]}}}",
         "desk.yaml:5:42: exchanges.gate.permissions.allow: spot goes beyond what is inherited"
         " from parent.yaml:4:34;"
         " make it stricter, or override exchanges.gate.permissions.allow with a reason"),
        ("permissions: {allow: [read, trade.spot, trade.margin, convert, loan]}",
         "exchanges: {gate: {permissions: {allow: {spot: read-write, wallet: read-write}}}}",
         "desk.yaml:5:60: exchanges.gate.permissions.allow: wallet may mean transfer, which"
         " parent.yaml:4:15 does not allow;"
         " make it stricter, or override exchanges.gate.permissions.allow with a reason"),
        ("key: {trading_pairs: none}", "key: {trading_pairs: {within: [A_B]}}",
         "parent.yaml:4:7: key.trading_pairs: both a list of pairs and no list are"
         " required; override it with a reason"),
        ("permissions: {forbid: [trade.spot]}", "permissions: {require: [trade.spot]}",
         "desk.yaml:5:25: permissions.require[0]: trade.spot is forbidden as well;"
         " remove one of the two"),
        ("key: {max_age: 9d}", "override: [{clause: key.max_idle, because: It is not there.}]",
         "desk.yaml:5:12: override: nothing of key.max_idle is inherited;"
         " remove it, or use another clause"),
    ],
)  # fmt: skip
def test_what_loosens_is_refused(parent: str, child: str, told: str) -> None:
    assert told in refused(parent + "\n", child + "\n")


def test_what_loosens_on_one_exchange_is_refused_there() -> None:
    parent = "key: {max_age: 90d}\nexchanges: {gate: {key: {max_age: 30d}}}\n"
    assert refused(parent, "key: {max_age: 60d}\n") == [
        "desk.yaml:5:7: exchanges.gate.key.max_age: loosens what is inherited from"
        " parent.yaml:5:26; make it stricter, or override exchanges.gate.key.max_age with a reason"
    ]


OVERRIDE = "override: [{clause: key.max_age, because: This desk rotates by hand.}]\n"


def test_an_override_lifts_what_is_inherited_and_is_told() -> None:
    policy = upon("key: {max_age: 90d}\n", f"{OVERRIDE}key: {{max_age: 365d}}\n")
    assert policy.general.clauses["key.max_age"].value == timedelta(days=365)
    (override,) = policy.overrides
    assert override.clause == "key.max_age"
    assert override.because == "This desk rotates by hand."
    assert (override.policy, str(override.location)) == ("desk", "desk.yaml:5:12")


def test_an_override_without_a_value_of_its_own_leaves_nothing() -> None:
    policy = upon("key: {max_age: 90d, max_idle: 9d}\n", OVERRIDE)
    assert set(policy.general.clauses) == {"key.max_idle"}


def test_an_override_for_one_exchange_holds_there_only() -> None:
    policy = upon(
        "key: {max_age: 90d}\n",
        OVERRIDE.replace("key.max", "exchanges.gate.key.max")
        + "exchanges: {gate: {key: {max_age: 365d}}}\n",
    )
    assert policy.at("gate").clauses["key.max_age"].value == timedelta(days=365)
    assert policy.at("okx").clauses["key.max_age"].value == timedelta(days=90)


def test_what_no_parent_states_can_be_overridden_too() -> None:
    """A rule that is inherited has a meaning and a severity, wherever they come from."""
    own = """\
on_unknown: {key-idle: warn}
severity: {key-idle: info}
"""
    parent = "key: {max_idle: 9d}\non_unknown: {default: incomplete}\n"
    assert {text.split(": ")[1] for text in refused(parent, own)} == {
        "severity.key-idle",
        "on_unknown.key-idle",
    }
    overrides = """\
override:
  - {clause: on_unknown.key-idle, because: Nobody discloses it.}
  - {clause: severity.key-idle, because: A matter of hygiene here.}
"""
    section = upon(parent, own + overrides).general
    assert section.on_unknown["key-idle"].value is OnUnknown.WARN
    assert section.severity["key-idle"] is Severity.INFO
    assert "nothing of on_unknown.key-idle is inherited" in str(
        refused("key: {max_age: 9d}\n", own + overrides)
    )


def test_overrides_of_grandparents_are_told_too() -> None:
    policy = load(
        {
            "parent.yaml": f"{PARENT}key: {{max_age: 90d}}\n",
            "middle.yaml": PARENT.replace("parent", "middle")
            + f"extends: [parent.yaml]\n{OVERRIDE}key: {{max_age: 365d}}\n",
            "desk.yaml": f"{HEAD}extends: [middle.yaml]\n",
        }
    )
    assert [override.policy for override in policy.overrides] == ["middle"]
    assert [source.name for source in policy.extends] == ["middle", "parent"]


@pytest.mark.parametrize(
    "child",
    [
        "override: [{clause: severity.key-too-old, because: A test of ours.}]\n"
        "severity: {key-too-old: low}\n",
        "override: [{clause: severity.key-too-old, because: A test of ours.},"
        " {clause: on_unknown.key, because: A test of ours.}]\n"
        "severity: {key-too-old: low}\non_unknown: {key: warn}\n",
    ],
)
def test_severities_and_meanings_can_be_overridden(child: str) -> None:
    parent = "key: {max_age: 9d}\nseverity: {GP020: high}\non_unknown: {key: block}\n"
    (control,) = _controls(upon(parent, child))
    assert control.severity is Severity.LOW
    assert control.on_unknown is (OnUnknown.WARN if "key: warn" in child else OnUnknown.BLOCK)


def test_the_worst_severity_and_the_strictest_meaning_hold() -> None:
    parent = "key: {max_age: 9d}\nseverity: {GP020: high}\non_unknown: {key: warn}\n"
    (control,) = _controls(
        upon(parent, "severity: {GP020: critical}\non_unknown: {default: block}\n")
    )
    assert (control.severity, control.on_unknown) == (Severity.CRITICAL, OnUnknown.BLOCK)
    (control,) = _controls(upon(parent, "on_unknown: {default: block, key: warn}\n"))
    assert (control.severity, control.on_unknown) == (Severity.HIGH, OnUnknown.WARN)


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        # A question of the child's own, and an exact word about it: nothing inherited is loosened.
        ("on_unknown: {default: incomplete}", "on_unknown: {key-too-old: warn}", OnUnknown.WARN),
        ("on_unknown: {default: block}", "on_unknown: {key: warn}", OnUnknown.WARN),
        # The parent's word is as exact, or more so.
        ("on_unknown: {key: block}", "on_unknown: {key: warn}", OnUnknown.BLOCK),
        ("on_unknown: {GP020: block}", "on_unknown: {key: warn}", OnUnknown.BLOCK),
        # The child says nothing.
        ("on_unknown: {default: block}", "", OnUnknown.BLOCK),
    ],
)
def test_an_exact_meaning_of_an_own_question_counts(
    parent: str, child: str, expected: OnUnknown
) -> None:
    asking = f"{child}\nkey: {{max_age: 9d}}\n"
    controls = _controls(upon(f"{parent}\npermissions: {{forbid: [withdraw]}}\n", asking))
    [control] = [one for one in controls if one.name == "key-too-old"]
    assert control.on_unknown is expected


def test_a_clause_asks_about_what_it_lists_and_nothing_else() -> None:
    """That withdrawals are forbidden asks nothing about transfers, which a child may ask alone."""
    parent = "permissions: {forbid: [withdraw]}\non_unknown: {default: incomplete}\n"
    child = "permissions: {forbid: [transfer]}\non_unknown: {transfer-enabled: warn}\n"
    meanings = {one.name: one.on_unknown for one in _controls(upon(parent, child))}
    assert meanings["transfer-enabled"] is OnUnknown.WARN
    assert meanings["withdrawal-enabled"] is OnUnknown.INCOMPLETE


def test_a_reason_for_weaker_proof_is_an_override() -> None:
    policy = upon(
        "key: {max_age: 9d}\n",
        "evidence: {accept: [observed, inferred], because: Nothing better is to be had.}\n",
    )
    assert policy.general.accepted == frozenset({Grade.OBSERVED, Grade.INFERRED})
    (override,) = policy.overrides
    assert override.clause == "evidence.accept"


def test_accepted_grades_are_inherited() -> None:
    assert upon(
        "key: {max_age: 9d}\nevidence: {accept: [observed]}\n", ""
    ).general.accepted == frozenset({Grade.OBSERVED})


def test_fewer_accepted_grades_are_stricter() -> None:
    parent = "key: {max_age: 9d}\nevidence: {accept: [observed, attested]}\n"
    policy = upon(parent, "evidence: {accept: [observed]}\n")
    assert policy.general.accepted == frozenset({Grade.OBSERVED})


def test_words_that_may_mean_no_more_replace_an_inherited_allow() -> None:
    policy = upon(
        "permissions: {allow: [read, trade.spot, trade.margin, convert, loan]}\n",
        "exchanges: {gate: {permissions: {allow: {spot: read-write, account: read-only}}}}\n",
    )
    gate = policy.at("gate")
    assert "permissions.allow" not in gate.clauses
    assert gate.words is not None


def test_inherited_words_and_an_own_allow_hold_both() -> None:
    policy = upon(
        "exchanges: {gate: {permissions: {allow: {spot: read-write}}}}\n",
        "permissions: {allow: [read]}\n",
    )
    asked = {(control.rule, control.subject) for control in _controls(policy)}
    assert ("GP004", "wallet") in asked
    assert ("GP004", "trade.spot") in asked


def test_words_may_be_fewer() -> None:
    words = "exchanges: {gate: {permissions: {allow: {spot: read-write, account: read-only}}}}\n"
    fewer = "exchanges: {gate: {permissions: {allow: {spot: read-write}}}}\n"
    gate = upon(words, fewer).at("gate")
    assert gate.words is not None
    assert set(gate.words.words) == {"spot"}


def test_words_are_those_that_all_allow() -> None:
    policy = load(
        {
            "a.yaml": PARENT.replace("parent", "a")
            + "exchanges: {gate: {permissions: {allow: {spot: read-write, account: read-only}}}}\n",
            "b.yaml": PARENT.replace("parent", "b")
            + "exchanges: {gate: {permissions: {allow: {spot: read-only, wallet: read-only}}}}\n",
            "desk.yaml": f"{HEAD}extends: [a.yaml, b.yaml]\n",
        }
    )
    words = policy.at("gate").words
    assert words is not None
    assert words.words == {"spot": Grant("spot", Access.READ_ONLY)}


def test_of_several_parents_the_strictest_holds() -> None:
    def parent(name: str, text: str) -> str:
        return PARENT.replace("parent", name) + text

    policy = load(
        {
            "a.yaml": parent(
                "a", "key: {max_age: 9d}\nip_binding: {within: ['2001:db8::/60', 203.0.113.0/28]}\n"
            ),
            "b.yaml": parent(
                "b",
                "key: {max_age: 3d}\nip_binding: {within: [203.0.113.0/30, 2001:db8::/64]}\n"
                "severity: {GP020: critical}\nevidence: {accept: [observed]}\n",
            ),
            "desk.yaml": f"{HEAD}extends: [a.yaml, b.yaml]\n",
        }
    )
    clauses = policy.general.clauses
    assert clauses["key.max_age"].value == timedelta(days=3)
    assert clauses["ip_binding.within"].value == (
        ip_network("203.0.113.0/30"),
        ip_network("2001:db8::/64"),
    )
    assert policy.general.accepted == frozenset({Grade.OBSERVED})
    assert policy.general.severity["key-too-old"] is Severity.CRITICAL
    assert str(policy.general.places["severity.key-too-old"]) == "b.yaml:6:12"


def test_parents_without_a_common_address_are_refused() -> None:
    texts = {
        "a.yaml": PARENT.replace("parent", "a") + "ip_binding: {within: [203.0.113.0/28]}\n",
        "b.yaml": PARENT.replace("parent", "b") + "ip_binding: {within: ['2001:db8::/64']}\n",
        "desk.yaml": f"{HEAD}extends: [a.yaml, b.yaml]\n",
    }
    with pytest.raises(DocumentError, match="the inherited networks have no address in common"):
        load(texts)


def test_parents_with_other_accounts_leave_the_choice_to_the_policy() -> None:
    texts = {
        "a.yaml": PARENT.replace("parent", "a") + "applies_to: {exchanges: [gate]}\n"
        "key: {max_age: 9d}\n",
        "b.yaml": PARENT.replace("parent", "b") + "key: {max_age: 9d}\n",
        "desk.yaml": f"{HEAD}extends: [a.yaml, b.yaml]\n",
    }
    with pytest.raises(DocumentError, match="add applies_to here"):
        load(texts)
    texts["desk.yaml"] += "applies_to: {exchanges: [okx]}\n"
    assert load(texts).applies_to.exchanges == {"okx"}
    del texts["b.yaml"]
    texts["desk.yaml"] = f"{HEAD}extends: [a.yaml]\n"
    assert load(texts).applies_to.exchanges == {"gate"}


def test_a_shipped_policy_is_named_without_its_file() -> None:
    policy = load({"desk.yaml": f"{HEAD}extends: [baseline]\n"})
    assert "permissions.forbid" in policy.general.clauses
    assert policy.extends[0] == PolicySource(
        "baseline", policy.extends[0].file, policy.extends[0].digest
    )


def test_files_are_relative_to_the_policy() -> None:
    texts = {
        "a/parent.yaml": f"{PARENT}key: {{max_age: 9d}}\n",
        "a/b/desk.yaml": f"{HEAD}extends: [../parent.yaml]\n",
    }
    assert load(texts, "a/b/desk.yaml").extends[0].file == "a/parent.yaml"


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"desk.yaml": "extends: [baselin]"},
         "desk.yaml:4:11: extends[0]: no policy baselin ships with gatepolicy;"
         " did you mean baseline?"),
        ({"desk.yaml": "extends: [zzz]"}, "no policy zzz ships with gatepolicy; one of baseline"),
        ({"desk.yaml": "extends: [gone.yaml]"}, "gone.yaml:1:1: no such file"),
        ({"desk.yaml": "extends: [desk.yaml]"},
         "desk.yaml:4:11: extends[0]: circular extends:"
         " desk.yaml -> desk.yaml; break it"),
        ({"desk.yaml": "extends: [b.yaml]", "b.yaml": "extends: [c.yaml]",
          "c.yaml": "extends: [./b.yaml]"},
         "c.yaml:4:11: extends[0]: circular extends:"
         " b.yaml -> c.yaml -> b.yaml; break it"),
    ],
)  # fmt: skip
def test_parents_that_lead_nowhere(texts: dict[str, str], told: str) -> None:
    whole = {name: f"{HEAD}{text}\n" for name, text in texts.items()}
    with pytest.raises(DocumentError) as caught:
        load(whole)
    assert any(told in str(problem) for problem in caught.value.problems)


def test_a_clause_that_is_none_is_refused() -> None:
    assert refused("key: {max_age: 9d}\n", "override: [{clause: key.age, because: It is one.}]\n")[
        0
    ].startswith("desk.yaml:5:21: override[0].clause: this is no clause; write its place")


# Names


NAMES = """\
networks:
  egress: [203.0.113.0/28, 203.0.113.16/28]
variables: {rotation: 90d, left: 14}
"""


def test_names_stand_for_what_is_defined() -> None:
    policy = load(
        {
            "desk.yaml": f"{HEAD}{NAMES}ip_binding: {{within: [$egress, 198.51.100.7]}}\n"
            "key: {max_age: $rotation, min_days_to_expiry: $left}\n"
        }
    )
    clauses = policy.general.clauses
    assert clauses["ip_binding.within"].value == (
        ip_network("198.51.100.7/32"),
        ip_network("203.0.113.0/27"),
    )
    assert clauses["key.max_age"].value == timedelta(days=90)
    assert clauses["key.min_days_to_expiry"].value == 14
    through = clauses["ip_binding.within"].through
    assert {name: str(place) for name, place in through.items()} == {
        "networks.egress": "desk.yaml:5:3"
    }


def test_names_are_inherited() -> None:
    policy = upon(NAMES + "key: {max_age: $rotation}\n", "key: {max_idle: $rotation}\n")
    assert policy.general.clauses["key.max_idle"].value == timedelta(days=90)


def test_names_of_the_project_come_first() -> None:
    project = Names(
        variables={"rotation": Definition("30d", upon("key: {max_age: 1d}\n", "").location)}
    )
    policy = load({"desk.yaml": f"{HEAD}{NAMES}key: {{max_age: $rotation}}\n"}, names=project)
    assert policy.general.clauses["key.max_age"].value == timedelta(days=30)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ip_binding: {within: [$office]}",
         "desk.yaml:4:23: ip_binding.within[0]: $office is not defined;"
         " define it under networks (there is: none)"),
        ("key: {max_age: $age}",
         "desk.yaml:4:16: key.max_age: $age is not defined;"
         " define it under variables (there is: none)"),
        ("key: {max_age: $age}\nvariables: {age: 14}",
         "desk.yaml:4:16: key.max_age: the value of $age (desk.yaml:5:13) is not allowed here;"
         " correct one of the two"),
        ("ip_binding: {within: [$office]}\nnetworks: {office: [203.0.113.1/28]}",
         "desk.yaml:4:23: ip_binding.within[0]: $office (desk.yaml:5:12): host bits are"
         " set; write 203.0.113.0/28 or 203.0.113.1/32"),
    ],
)  # fmt: skip
def test_names_that_do_not_fit(text: str, told: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load({"desk.yaml": f"{HEAD}{text}\n"})
    assert told in [str(problem) for problem in caught.value.problems]


def test_a_policy_gives_no_other_meaning_to_an_inherited_name() -> None:
    told = refused(
        NAMES + "key: {max_age: $rotation}\n",
        "variables: {rotation: 365d}\nnetworks: {other: [203.0.113.0/28]}\n",
    )
    assert told == [
        "desk.yaml:5:13: variables.rotation: rotation is already defined differently at parent.yaml:6:13;"  # noqa: E501
        " choose another name, or define it once in the project file"
    ]


# What may be waived

WAIVING = "key: {max_age: 9d}\nwaivers: {max_days: 30, forbid: [GP001]}\n"


def test_what_may_be_waived_is_the_strictest_of_all() -> None:
    own = "waivers: {max_days: 7, forbid: [key-too-old]}\n"
    limits = upon(WAIVING, own).waivers
    assert limits.max_days == 7
    assert limits.forbid == {"withdrawal-enabled", "key-too-old"}
    assert upon(WAIVING, "").waivers.max_days == 30


def test_waiving_for_longer_needs_a_reason() -> None:
    own = "waivers: {max_days: 60}\n"
    assert refused(WAIVING, own) == [
        "desk.yaml:5:11: waivers.max_days: loosens what is inherited from parent.yaml:5:11;"
        " make it stricter, or override waivers.max_days with a reason"
    ]
    because = "override: [{clause: waivers.max_days, because: The audit is once in two months.}]\n"
    limits = upon(WAIVING, own + because).waivers
    assert limits.max_days == 60
    assert limits.forbid == {"withdrawal-enabled"}


def test_what_nobody_could_waive_can_be_with_a_reason() -> None:
    because = "override: [{clause: waivers.forbid, because: The vault sweeps every day.}]\n"
    assert upon(WAIVING, because).waivers.forbid == frozenset()
    (told,) = refused("key: {max_age: 9d}\n", because)
    assert "nothing of waivers.forbid is inherited" in told


def test_rules_that_do_not_exist_cannot_be_forbidden_to_waive() -> None:
    with pytest.raises(DocumentError) as caught:
        load({"desk.yaml": f"{HEAD}key: {{max_age: 9d}}\nwaivers: {{forbid: [nothing]}}\n"})
    assert str(caught.value) == (
        "desk.yaml:5:20: waivers.forbid[0]: unknown rule nothing;"
        " 'gatepolicy explain' lists all rules"
    )


# The law


def _controls(policy: Policy, exchange: str = "gate") -> Any:
    return compile_policy(policy, exchange, load_exchange(exchange), load_rules())


_CAPABILITIES = st.lists(
    st.sampled_from(["read", "trade.spot", "trade.margin", "transfer", "withdraw"]),
    min_size=1,
    unique=True,
)
_NETWORKS = st.lists(
    st.sampled_from(["203.0.113.0/24", "203.0.113.0/28", "203.0.113.8/29", "198.51.100.7"]),
    min_size=1,
    unique=True,
)
_DAYS = st.sampled_from(["1d", "30d", "90d"])
_WORDS = st.dictionaries(
    st.sampled_from(["spot", "account", "wallet", "futures"]),
    st.sampled_from(["read-only", "read-write"]),
    min_size=1,
)
_MEANING = st.sampled_from(["block", "incomplete", "warn"])


def _some(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=parts)


_OWN = {
    "ip_binding": _some(
        required=st.booleans(),
        within=_NETWORKS,
        widest=st.sampled_from([24, 28, 32]),
        at_most=st.integers(1, 3),
    ),
    "key": _some(
        max_age=_DAYS, max_idle=_DAYS, name=st.sampled_from(["ICG", "MM"]), active=st.booleans()
    ),
    "evidence": st.fixed_dictionaries(
        {"accept": st.lists(st.sampled_from(["observed", "structural"]), min_size=1, unique=True)}
    ),
    "severity": _some(**{"key-too-old": st.sampled_from(["low", "high"])}),
    "on_unknown": _some(default=_MEANING, key=_MEANING, withdraw=_MEANING),
}
_POLICY = _some(
    **_OWN,
    permissions=_some(allow=_CAPABILITIES, forbid=_CAPABILITIES, require=_CAPABILITIES),
    exchanges=_some(gate=_some(**_OWN, permissions=_some(allow=_WORDS))),
)


def _pruned(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    pruned = {name: _pruned(part) for name, part in node.items()}
    return {name: part for name, part in pruned.items() if part != {}}


_GRANTS = st.dictionaries(
    st.sampled_from(["spot", "account", "wallet", "futures", "quantum"]),
    st.sampled_from([Access.READ_ONLY, Access.READ_WRITE]),
)


@st.composite
def _facts(draw: st.DrawFn) -> Facts:
    def fact(value: Any) -> Fact:
        grade = draw(st.sampled_from([Grade.OBSERVED, Grade.STRUCTURAL, Grade.ATTESTED]))
        return Fact(value, Provenance(grade, "keys", "/x"))

    native = tuple(Grant(word, access) for word, access in sorted(draw(_GRANTS).items()))
    values: dict[str, Any] = {
        "permissions.native": native,
        "permissions.unrecognised": (),
        "ip.restricted": draw(st.booleans()),
        "ip.allowlist": tuple(ip_network(text) for text in draw(_NETWORKS)),
        "key.created_at": NOW - timedelta(days=draw(st.sampled_from([1, 40, 100]))),
        "key.last_used_at": NOW - timedelta(days=draw(st.sampled_from([0, 40, 100]))),
        "key.name": draw(st.sampled_from(["ICG 1", "MM 2", ""])),
        "key.active": draw(st.booleans()),
        **{
            f"permission.{name}": draw(st.booleans())
            for name in ("read", "trade.spot", "trade.margin", "transfer", "withdraw", "earn")
        },
    }
    kept = draw(st.sets(st.sampled_from(sorted(values))))
    return Facts({name: fact(values[name]) for name in sorted(kept)}, {})


_RANK = {OnUnknown.BLOCK: 0, OnUnknown.INCOMPLETE: 1, OnUnknown.WARN: 2}


@settings(deadline=None)
@given(parent=_POLICY, child=_POLICY, facts=_facts())
def test_an_overlay_without_override_never_accepts_more(
    parent: Any, child: Any, facts: Facts
) -> None:
    parent_text = PARENT + yaml.safe_dump(_pruned(parent))
    child_text = EXTENDS + yaml.safe_dump(_pruned(child))
    texts = {
        "parent.yaml": parent_text.replace("{}\n", ""),
        "desk.yaml": child_text.replace("{}\n", ""),
    }
    try:
        base = load({"desk.yaml": texts["parent.yaml"]})
        overlay = load(texts)
    except DocumentError:
        return
    for exchange in ("gate", "okx"):
        theirs = evaluate(_controls(base, exchange), facts, NOW)
        ours = evaluate(_controls(overlay, exchange), facts, NOW)
        if all(verdict.outcome is Outcome.PASS for verdict in ours):
            assert all(verdict.outcome is Outcome.PASS for verdict in theirs)
        for verdict in theirs:
            same = [v for v in ours if (v.rule, v.subject) == (verdict.rule, verdict.subject)]
            for mine in same:
                assert mine.severity.rank <= verdict.severity.rank
                assert _RANK[mine.on_unknown] <= _RANK[verdict.on_unknown]


TWO = {
    "parent.yaml": f"{PARENT}key: {{name: '^ICG'}}\n",
    "other.yaml": f"{PARENT.replace('parent', 'other')}key: {{name: '^MM'}}\n",
}


@pytest.mark.parametrize("parents", ["parent.yaml, other.yaml", "other.yaml, parent.yaml"])
def test_what_two_parents_say_must_be_comparable(parents: str) -> None:
    with pytest.raises(DocumentError) as raised:
        load({**TWO, "desk.yaml": f"{HEAD}extends: [{parents}]\n"})
    [problem] = [str(one) for one in raised.value.problems]
    assert "key.name: cannot be compared with what is inherited from" in problem
    # Saying it again does not help: it has to be said that the inherited ones go.
    with pytest.raises(DocumentError):
        load({**TWO, "desk.yaml": f"{HEAD}extends: [{parents}]\nkey: {{name: '^ICG'}}\n"})
    override = "override: [{clause: key.name, because: One form for all.}]\n"
    own = f"{HEAD}extends: [{parents}]\n{override}key: {{name: '^(ICG|MM)'}}\n"
    policy = load({**TWO, "desk.yaml": own})
    assert policy.general.clauses["key.name"].value == "^(ICG|MM)"


def test_the_same_said_by_two_parents_is_said_once() -> None:
    same = {**TWO, "other.yaml": TWO["other.yaml"].replace("^MM", "^ICG")}
    policy = load({**same, "desk.yaml": f"{HEAD}extends: [parent.yaml, other.yaml]\n"})
    assert policy.general.clauses["key.name"].value == "^ICG"


def test_an_exchange_of_which_nothing_else_is_said_can_be_overridden() -> None:
    parent = f"{PARENT}permissions: {{forbid: [withdraw, transfer]}}\n"
    override = "override: [{clause: exchanges.gate.permissions.forbid, because: Only there.}]\n"
    policy = load({"parent.yaml": parent, "desk.yaml": f"{EXTENDS}{override}"})
    assert capabilities(policy.at("okx").clauses["permissions.forbid"]) == ("withdraw", "transfer")
    assert "permissions.forbid" not in policy.at("gate").clauses
    with pytest.raises(DocumentError, match=r"nothing of exchanges\.krakn\.permissions\.forbid"):
        load({"parent.yaml": parent, "desk.yaml": EXTENDS + override.replace("gate", "krakn")})
