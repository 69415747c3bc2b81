"""Rules as text for people."""

from dataclasses import replace

import pytest

from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.facts import Fact, Grade, Provenance, Reason, Unknown
from gatepolicy.rules.catalog import load_rules
from gatepolicy.rules.explain import WIDTH, disclosure, explain_rule, facts_of, list_rules
from tests.whole_catalog import CATALOG

RULES = load_rules()


def gate() -> Exchange:
    return load_exchange("gate")


def test_the_list_has_an_entry_for_every_rule() -> None:
    lines = list_rules(RULES).splitlines()
    assert [line[:5] for line in lines if line.startswith("GP")] == list(RULES)
    assert lines[:3] == [
        "GP001  critical  withdrawal-enabled          The key can withdraw funds",
        "GP002  high      transfer-enabled            The key can transfer funds between",
        "                                             accounts",
    ]
    assert max(map(len, lines)) <= WIDTH


def test_a_rule_in_general() -> None:
    assert explain_rule(RULES["GP028"], None) == (
        "GP028 key-inactive (low)\n"
        "The key is not active.\n"
        "\n"
        "Why\n"
        "  A key that is locked or frozen stops its bots, or is waiting to be unlocked.\n"
        "\n"
        "Fix\n"
        "  Find out why the key is not active, then delete it or activate it.\n"
        "\n"
        "Facts\n"
        "  key.active: the key is enabled\n"
        "\n"
        "Frameworks\n"
        "  NIST SP 800-53 Rev. 5: AC-2 Account Management\n"
        "  DORA: Regulation (EU) 2022/2554, Art. 9, with (EU) 2024/1774: 2024/1774 Art.\n"
        "  20(2)(b) Identity management\n"
        "  ISO/IEC 27001:2022, Annex A: A.5.18 Access rights\n"
        "  SOC 2, Trust Services Criteria CC6: CC6.2 Granting and removing credentials"
    )


def test_a_rule_with_references() -> None:
    assert explain_rule(RULES["GP010"], None).endswith(
        "References\n  https://github.com/icgio/exchanges-api-guide"
    )


def test_a_rule_that_asks_nothing_has_no_facts() -> None:
    assert "Facts" not in explain_rule(RULES["GP030"], None)


def test_a_rule_on_an_exchange() -> None:
    exchange = replace(gate(), menu="profile → keys", fixes={"key-inactive": "Unlock it."})
    text = explain_rule(RULES["GP028"], exchange)
    assert "Fix on Gate\n  Unlock it.\n\n" in text
    assert "Facts\n  key.active: the key is enabled\n    observed: main_keys /state\n" in text


def test_a_rule_on_an_exchange_without_a_fix_of_its_own() -> None:
    exchange = replace(gate(), menu="profile → keys", fixes={})
    assert (
        "Fix on Gate\n"
        "  Find out why the key is not active, then delete it or activate it. On Gate:\n"
        "  profile → keys.\n"
    ) in explain_rule(RULES["GP028"], exchange)
    assert "profile" not in explain_rule(RULES["GP030"], exchange)


@pytest.mark.parametrize("rule", RULES)
def test_no_line_is_too_wide(rule: str) -> None:
    for exchange in (None, *CATALOG.values()):
        text = explain_rule(RULES[rule], exchange)
        assert max(len(line) for line in text.splitlines() if "/" not in line) <= WIDTH


def test_facts_of_rules() -> None:
    assert facts_of(RULES["GP001"]) == ("permission.withdraw",)
    assert facts_of(RULES["GP002"]) == ("permission.transfer",)
    assert facts_of(RULES["GP011"]) == ("ip.restricted", "ip.allowlist")
    assert facts_of(RULES["GP021"]) == ("key.created_at", "key.last_used_at")
    assert facts_of(RULES["GP030"]) == ()
    forbidden = facts_of(RULES["GP003"])
    assert "permission.earn" in forbidden
    assert "permission.withdraw" not in forbidden
    assert "permission.transfer" not in forbidden
    assert len(facts_of(RULES["GP005"])) == 14
    assert facts_of(RULES["GP004"])[-1] == "permissions.native"


def test_disclosure() -> None:
    exchange = replace(
        gate(),
        structural={
            "key.subaccount": Fact(
                value=False, provenance=Provenance(Grade.STRUCTURAL, "", "", "https://x.example")
            )
        },
        not_disclosed={"key.expires_at": Unknown(Reason.NOT_DISCLOSED, "no call tells")},
    )
    assert disclosure(exchange, "key.subaccount") == "always False (https://x.example)"
    assert disclosure(exchange, "key.expires_at") == "not disclosed: no call tells"
    assert disclosure(exchange, "key.name") == "observed: main_keys /name"
    assert disclosure(exchange, "key.trading_pairs") == (
        "observed: main_keys /currency_pairs, detail /currency_pairs"
    )
    assert disclosure(exchange, "key.fingerprint") == "not disclosed"
    assert disclosure(exchange, "permissions.native") == "observed: main_keys /perms"
    assert disclosure(exchange, "permission.custody") == "observed: main_keys /perms (custody)"
    assert disclosure(exchange, "permission.p2p") == (
        "observed: main_keys /perms (no word grants it)"
    )
    assert disclosure(exchange, "permission.withdraw").startswith(
        "observed: main_keys /perms; its absence is only inferred (Gate documents"
    )
