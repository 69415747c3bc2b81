"""Several answers become one set of facts: they agree, or nobody is believed."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.exchanges.answers import Answer, NoAnswer, RawAnswer
from gatepolicy.exchanges.build import value_of
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import Alternative, Exchange, FactSource
from gatepolicy.exchanges.grants import UNRECOGNISED
from gatepolicy.exchanges.normalise import at_moment, hold_together, normalise, with_structural
from gatepolicy.model.facts import FACTS, Fact, Facts, Grade, Never, Provenance, Reason, Unknown

DOCUMENTED = Path(__file__).parent / "documented"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEY = "c5dcfbf1f3a7not0a0real0key"
GATE, BYBIT, OKX = (load_exchange(name) for name in ("gate", "bybit", "okx"))
REFUSED = Answer(403, b'{"label":"FORBIDDEN","message":"Request IP not in whitelist: 192.0.2.1"}')


def ok(body: Any) -> Answer:
    return Answer(200, json.dumps(body).encode())


def row(**changed: Any) -> dict[str, Any]:
    plain = {
        "key": "c5dcfbf1f3a7*****",
        "state": 1,
        "name": "bot",
        "perms": [{"name": "account", "read_only": True}],
        "ip_whitelist": ["203.0.113.5"],
        "currency_pairs": [],
        "created_at": 1753030929,
        "last_access": 1753030929,
    }
    return {**plain, **changed}


DETAIL = {"ip_whitelist": ["203.0.113.5"], "currency_pairs": []}


def gate(main_keys: RawAnswer, detail: RawAnswer) -> Facts:
    return normalise(GATE, {"main_keys": main_keys, "detail": detail}, KEY)


def bybit(**fields: Any) -> Facts:
    body = {"retCode": 0, "result": {"apiKey": KEY, **fields}}
    return normalise(BYBIT, {"query_api": ok(body)}, KEY)


def test_places_that_agree_in_any_order_are_believed() -> None:
    addresses = ["203.0.113.5", "203.0.113.6"]
    facts = gate(ok([row(ip_whitelist=addresses)]), ok({**DETAIL, "ip_whitelist": addresses[::-1]}))
    assert facts.known["ip.restricted"] == Fact(
        value=True, provenance=Provenance(Grade.OBSERVED, "main_keys", "/0/ip_whitelist")
    )
    assert len(facts.known["ip.allowlist"].value) == 2  # type: ignore[arg-type]


def test_places_that_contradict_each_other_are_not() -> None:
    facts = gate(ok([row(ip_whitelist=[])]), ok(DETAIL))
    assert facts.unknown["ip.restricted"].reason is Reason.UNEXPECTED_ANSWER
    assert facts.unknown["ip.allowlist"].reason is Reason.UNEXPECTED_ANSWER


def test_one_unreadable_place_spoils_the_other() -> None:
    facts = gate(ok([row()]), ok({**DETAIL, "ip_whitelist": "203.0.113.5"}))
    assert facts.unknown["ip.restricted"].reason is Reason.UNEXPECTED_ANSWER
    assert facts.unknown["ip.restricted"].detail == "/ip_whitelist: no list"


def test_an_answer_that_never_came_spoils_nothing() -> None:
    facts = gate(ok([row()]), NoAnswer(Reason.TIMEOUT))
    assert facts.known["ip.restricted"].value is True
    facts = gate(NoAnswer(Reason.TIMEOUT), ok(DETAIL))
    assert facts.known["ip.restricted"].value is True
    assert facts.unknown["permission.withdraw"].reason is Reason.TIMEOUT
    assert facts.unknown["key.name"].reason is Reason.TIMEOUT


def test_a_refusal_that_contradicts_an_answer_is_not_believed_either() -> None:
    facts = gate(ok([row(ip_whitelist=[])]), REFUSED)
    assert facts.unknown["ip.restricted"].reason is Reason.UNEXPECTED_ANSWER


def test_a_refusal_proves_the_binding_when_everything_else_is_refused() -> None:
    facts = gate(REFUSED, NoAnswer(Reason.IP_REFUSED))
    assert facts.known == {
        "ip.restricted": Fact(value=True, provenance=Provenance(Grade.REFUSAL, "main_keys", ""))
    }
    assert {why.reason for why in facts.unknown.values()} == {Reason.IP_REFUSED}
    assert facts.known.keys() | facts.unknown.keys() == FACTS.keys()


def test_without_the_own_row_nothing_of_the_list_counts() -> None:
    facts = gate(ok([row(key="52fd0035f665*****")]), ok(DETAIL))
    assert facts.unknown["permission.withdraw"].reason is Reason.UNEXPECTED_ANSWER
    assert facts.unknown["ip.restricted"].reason is Reason.UNEXPECTED_ANSWER
    assert "key.name" not in facts.known


def test_a_missing_value_is_told_with_its_place() -> None:
    lacking = row()
    del lacking["name"]
    why = gate(ok([lacking]), ok(DETAIL)).unknown["key.name"]
    assert why.reason is Reason.UNEXPECTED_ANSWER
    assert why.detail == "/0/name is missing from the answer"


@pytest.mark.parametrize(("state", "active"), [(1, True), (2, False), (3, False)])
def test_states_have_documented_meanings(state: int, active: bool) -> None:
    assert gate(ok([row(state=state)]), ok(DETAIL)).known["key.active"].value is active


@pytest.mark.parametrize("state", [0, 4, "1", True, 1.0, None])
def test_other_states_mean_nothing(state: Any) -> None:
    facts = gate(ok([row(state=state)]), ok(DETAIL))
    assert facts.unknown["key.active"].reason is Reason.UNEXPECTED_ANSWER


def test_a_filler_date_counts_only_with_its_mark() -> None:
    never = bybit(deadlineDay=-2, expiredAt="1970-01-01T00:00:00Z")
    assert never.known["key.expires_at"].value is Never.NEVER
    dated = bybit(deadlineDay=21, expiredAt="2026-12-01T02:36:06Z")
    assert str(dated.known["key.expires_at"].value) == "2026-12-01 02:36:06+00:00"


@pytest.mark.parametrize(
    ("deadline", "expired"),
    [
        (21, "1970-01-01T00:00:00Z"),
        (-2, "2026-12-01T02:36:06Z"),
        ("-2", "1970-01-01T00:00:00Z"),
        (None, "1970-01-01T00:00:00Z"),
    ],
)
def test_a_mark_and_a_date_that_do_not_fit_prove_nothing(deadline: Any, expired: str) -> None:
    facts = bybit(deadlineDay=deadline, expiredAt=expired)
    assert facts.unknown["key.expires_at"].reason is Reason.UNEXPECTED_ANSWER


def test_without_the_mark_nobody_knows_which_place_counts() -> None:
    why = bybit(expiredAt="1970-01-01T00:00:00Z").unknown["key.expires_at"]
    assert why.reason is Reason.UNEXPECTED_ANSWER
    assert why.detail == "/result/deadlineDay is missing from the answer"


def test_an_empty_list_of_addresses_proves_nothing_where_no_document_says_so() -> None:
    assert bybit(ips=[]).known["ip.restricted"].provenance.grade is Grade.APPARENT
    assert bybit(ips=None).unknown["ip.restricted"].reason is Reason.UNEXPECTED_ANSWER
    assert bybit(ips=["*"]).known["ip.restricted"].value is False


def with_optional(exchange: Exchange) -> Exchange:
    source = FactSource("config", "/expiry", "iso_time", optional=True)
    return replace(
        exchange, facts={**exchange.facts, "key.expires_at": (source,)}, not_disclosed={}
    )


BINGX_ERROR = {"code": 100419, "msg": "an error", "permissions": [1, 2], "enableReading": True}


@pytest.mark.parametrize("wrapped", [[BINGX_ERROR], [BINGX_ERROR, {"apiKey": "another"}]])
def test_an_error_in_a_list_is_no_row(wrapped: Any) -> None:
    exchange = load_exchange("bingx")
    facts = normalise(exchange, {call.id: ok(wrapped) for call in exchange.calls}, KEY)
    assert facts.known == {}
    why = facts.unknown["permission.read"]
    assert why.reason is Reason.UNEXPECTED_ANSWER
    assert why.detail == "the row of this key contains an error code"


def test_an_optional_value_may_be_missing() -> None:
    exchange = with_optional(OKX)
    facts = normalise(exchange, {"config": ok({"code": "0", "data": [{"label": "mm"}]})}, KEY)
    assert facts.unknown["key.expires_at"].reason is Reason.NOT_DISCLOSED
    nothing = normalise(exchange, {"config": ok({"code": "0", "data": [{}]})}, KEY)
    assert nothing.unknown["key.expires_at"].reason is Reason.UNEXPECTED_ANSWER
    wrong = ok({"code": "0", "data": [{"expiry": "soon"}]})
    facts = normalise(exchange, {"config": wrong}, KEY)
    assert facts.unknown["key.expires_at"].reason is Reason.UNEXPECTED_ANSWER


BY_RULE = Fact(value=True, provenance=Provenance(Grade.STRUCTURAL, "", "", "the documents"))


def with_rule(name: str) -> Exchange:
    others = {fact: why for fact, why in OKX.not_disclosed.items() if fact != name}
    return replace(OKX, structural={name: BY_RULE}, not_disclosed=others)


def test_a_rule_of_the_exchange_counts_once_an_answer_has_shown_the_key() -> None:
    exchange = with_rule("key.active")
    shown = normalise(
        exchange, {"config": ok({"code": "0", "data": [{"label": "mm", "perm": "read_only"}]})}, KEY
    )
    assert shown.known["key.active"] == BY_RULE
    nobody = normalise(exchange, {"config": ok({"code": "0", "data": [{}]})}, KEY)
    assert nobody.unknown["key.active"].reason is Reason.UNEXPECTED_ANSWER
    refused = normalise(exchange, {"config": NoAnswer(Reason.UNREACHABLE)}, KEY)
    assert refused.unknown["key.active"].reason is Reason.UNREACHABLE
    assert refused.known == {}


def test_a_rule_of_the_exchange_does_not_overrule_an_answer() -> None:
    rules = {"ip.restricted": BY_RULE}
    cases: list[tuple[dict[str, Fact | Unknown], object]] = [
        ({"ip.restricted": Fact(value=True, provenance=SAID)}, True),
        ({"ip.restricted": Fact(value=False, provenance=SAID)}, Reason.UNEXPECTED_ANSWER),
        ({"ip.restricted": UNREADABLE, "key.name": Fact("mm", SAID)}, Reason.UNEXPECTED_ANSWER),
        ({"ip.restricted": SILENT, "key.name": Fact("mm", SAID)}, True),
        ({"key.name": Fact("mm", SAID)}, True),
    ]
    for disclosed, expected in cases:
        assert meaning(with_structural(disclosed, rules)["ip.restricted"]) == expected


def test_without_any_reason_of_its_own_a_key_that_no_answer_showed_is_unexpected() -> None:
    assert meaning(with_structural({}, {})["key.exists"]) is Reason.UNEXPECTED_ANSWER


SAID = Provenance(Grade.OBSERVED, "config", "/data/0")
UNREADABLE = Unknown(Reason.UNEXPECTED_ANSWER, "no list")
SILENT = Unknown(Reason.NOT_DISCLOSED)


def together(restricted: Fact | Unknown, allowlist: Fact | Unknown) -> dict[str, Fact | Unknown]:
    return {"ip.restricted": restricted, "ip.allowlist": allowlist}


def meaning(found: Fact | Unknown) -> object:
    return found.reason if isinstance(found, Unknown) else found.value


@pytest.mark.parametrize(
    "networks", [("0.0.0.0/0", "::/0"), ("0.0.0.0/1",), ("203.0.113.5", "2000::/3")]
)
def test_an_allowlist_that_admits_strangers_restricts_nothing(networks: tuple[str, ...]) -> None:
    allowlist = Fact(tuple(ip_network(network) for network in networks), SAID)
    for restricted in (BY_RULE, Fact(value=True, provenance=SAID), SILENT):
        found = hold_together(together(restricted, allowlist))
        assert found["ip.restricted"] == Fact(value=False, provenance=SAID)
    found = hold_together({"ip.allowlist": allowlist})
    assert found["ip.restricted"] == Fact(value=False, provenance=SAID)
    unreadable = together(UNREADABLE, allowlist)
    assert hold_together(unreadable) == unreadable


def test_an_allowlist_of_few_addresses_says_nothing_more() -> None:
    allowlist = Fact((ip_network("203.0.113.0/28"),), SAID)
    found = together(SILENT, allowlist)
    assert hold_together(found) == found


def test_nothing_proves_a_restriction_beside_an_allowlist_that_cannot_be_read() -> None:
    for claim in (BY_RULE, Fact(value=True, provenance=SAID)):
        belied = hold_together(together(claim, UNREADABLE))
        assert belied["ip.restricted"] == UNREADABLE
    unbound = together(Fact(value=False, provenance=SAID), UNREADABLE)
    assert hold_together(unbound) == unbound


UPBIT = load_exchange("upbit")


@pytest.mark.parametrize(
    "addresses", [[], ["*"], [""], ["0.0.0.0"], ["0.0.0.0/0"], ["::/0"], None, "garbage"], ids=repr
)
def test_a_key_of_upbit_without_addresses_is_not_restricted_by_rule(addresses: object) -> None:
    case = yaml.safe_load(
        (DOCUMENTED / "upbit_documented_example.yaml").read_text(encoding="utf-8")
    )
    answers = {}
    for call, answer in case["answers"].items():
        body = json.loads(answer["body"])
        for row in body if isinstance(body, list) else []:
            for part in row.get("keys", ()):
                part["allowed_ips"] = addresses
        answers[call] = Answer(answer["status"], json.dumps(body).encode())
    facts = normalise(UPBIT, answers, case["api_key"])
    restricted = facts.known.get("ip.restricted")
    assert restricted is None or restricted.value is False
    assert "ip.restricted" not in facts.known or "ip.allowlist" in facts.known


def test_values_in_catalog_files_are_of_the_kind_of_their_fact() -> None:
    assert value_of("key.name", "x") == "x"
    assert value_of("key.trading_pairs", ["A"]) == ("A",)
    for name, wrong in (("ip.restricted", 1), ("key.created_at", "today"), ("key.name", None)):
        with pytest.raises(ValueError, match="no value of"):
            value_of(name, wrong)


@pytest.mark.parametrize(
    ("expires", "active", "is_active"),
    [
        (NOON, True, False),
        (NOON - timedelta(seconds=1), True, False),
        (NOON + timedelta(seconds=1), True, True),
        (NOON - timedelta(days=1), False, False),
        (Never.NEVER, True, True),
    ],
)
def test_an_expired_key_is_not_active(
    expires: datetime | Never, active: bool, is_active: bool
) -> None:
    proof = Provenance(Grade.OBSERVED, "own_key", "/expires")
    flag = Fact(value=active, provenance=Provenance(Grade.OBSERVED, "own_key", "/active"))
    facts = Facts({"key.expires_at": Fact(expires, proof), "key.active": flag})
    found = at_moment(facts, NOON).known["key.active"]
    assert found.value is is_active
    assert (found == flag) is (active is is_active)
    assert found.provenance == (flag.provenance if found == flag else proof)


def test_what_is_not_known_expires_nothing() -> None:
    flag = Fact(value=True, provenance=Provenance(Grade.OBSERVED, "own_key", "/active"))
    only_active, only_expired = Facts({"key.active": flag}), Facts({"key.expires_at": flag})
    assert at_moment(only_active, NOON) == only_active
    assert at_moment(only_expired, NOON) == only_expired


EXISTS = Fact(value=True, provenance=Provenance(Grade.OBSERVED, "keys", ""))
RULE = Fact(value=False, provenance=Provenance(Grade.STRUCTURAL, "", "", "a document"))


def test_what_no_answer_tells_of_a_key_that_one_showed() -> None:
    refused = Unknown(Reason.TIMEOUT, "no answer")
    facts = with_structural({"key.name": refused, "key.exists": EXISTS}, {})
    untold = Unknown(Reason.NOT_DISCLOSED, "the answer does not disclose it")
    assert (facts["key.name"], facts["key.active"]) == (refused, untold)


def test_why_no_answer_showed_the_key() -> None:
    hidden = Unknown(Reason.NOT_DISCLOSED, "nothing shows it")
    late = Unknown(Reason.TIMEOUT, "no answer")
    facts = with_structural({"key.name": hidden, "key.exists": late}, {"key.active": RULE})
    assert (facts["key.name"], facts["key.active"]) == (hidden, late)
    detail = "no answer showed that the key exists"
    facts = with_structural({"key.name": hidden}, {})
    assert facts["key.active"] == Unknown(Reason.UNEXPECTED_ANSWER, detail)


def test_a_rule_agrees_with_the_answers_or_nobody_is_believed() -> None:
    def told(found: Fact | Unknown, rule: Fact = RULE) -> Fact | Unknown:
        disclosed = {"key.exists": EXISTS, "permission.withdraw": found}
        return with_structural(disclosed, {"permission.withdraw": rule})["permission.withdraw"]

    assert told(replace(EXISTS, value=False)) == RULE
    contradiction = "two fields of the answers contradict each other"
    assert told(EXISTS) == Unknown(Reason.UNEXPECTED_ANSWER, contradiction)
    assert told(UNRECOGNISED) == RULE
    # Whatever cannot be read: a rule that shows a danger still shows it, and proves nothing.
    odd = Unknown(Reason.UNEXPECTED_ANSWER, "an odd value")
    assert told(odd) == odd
    shown = told(odd, replace(RULE, value=True))
    assert isinstance(shown, Fact)
    assert (shown.value, shown.provenance.grade) == (True, Grade.APPARENT)
    assert (
        with_structural({"key.exists": EXISTS}, {"permission.withdraw": RULE})[
            "permission.withdraw"
        ]
        == RULE
    )


def test_why_an_answer_tells_nothing() -> None:
    late = NoAnswer(Reason.TIMEOUT, "no answer within 30 s")
    both = gate(late, late)
    assert both.unknown["key.name"] == Unknown(Reason.TIMEOUT, "no answer within 30 s")
    one = gate(late, ok(DETAIL))
    assert one.unknown["key.name"] == Unknown(Reason.TIMEOUT, "no answer within 30 s")
    several = gate(ok([row(), row()]), ok(DETAIL))
    assert several.unknown["key.name"].detail == (
        "2 rows of the answer are about this key, not exactly one"
    )
    shapeless = gate(ok([row(perms={"name": "account"})]), ok(DETAIL))
    why = shapeless.unknown["permission.withdraw"].detail
    assert why == "permissions: permissions are not a list"


def test_a_code_in_a_row_is_no_error_where_success_has_a_mark() -> None:
    body = {"code": "0", "data": [{"code": "59999", "label": "bot", "perm": "read_only", "ip": ""}]}
    named = normalise(OKX, {call.id: ok(body) for call in OKX.calls}, KEY)
    assert named.known["key.name"].value == "bot"


def test_an_alternative_finds_the_row_of_the_key_too() -> None:
    other = Alternative("other", "other keys", GATE)
    pattern = replace(OKX.errors[0], status=401, code=None, text=None, ask_instead="other")
    okx = replace(OKX, alternatives=(other,), errors=(pattern,))
    refused = {call.id: Answer(401, b"{}") for call in okx.calls}
    answers = {**refused, "main_keys": ok([row(), row(key="another")]), "detail": ok(DETAIL)}
    assert normalise(okx, answers, KEY).known["key.name"].value == "bot"


def test_what_the_documents_name_of_one_call_makes_no_answer_of_another() -> None:
    """The list of permissions stands in one call; in another one it is nothing documented."""
    flag = FactSource("detail", "/hidden", "flag", optional=True, missing=False, fact="key.active")
    hiding = replace(GATE, facts={"key.active": (flag,)}, not_disclosed={})
    answers = {"main_keys": ok([row()]), "detail": ok({"perms": [], "key": "x"})}
    told = normalise(hiding, answers, KEY)
    why = "the answer has nothing that the documents describe"
    assert told.unknown["key.active"] == Unknown(Reason.UNEXPECTED_ANSWER, why)
    answers["detail"] = ok({"hidden": True})
    assert normalise(hiding, answers, KEY).known["key.active"].value is True
