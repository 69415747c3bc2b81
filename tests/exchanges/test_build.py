"""A catalog file becomes an exchange, field by field; what it leaves out has a default."""

from ipaddress import ip_network
from typing import Any

import pytest

from gatepolicy.exchanges.build import NO_WORDS, build, own_key_of, value_of
from gatepolicy.exchanges.exchange import (
    Call,
    Documented,
    ErrorPattern,
    Exchange,
    FactSource,
    FromAnswer,
    FromCredential,
    FromRow,
    Level,
    Meaning,
    OwnKey,
    Permissions,
    PermissionShape,
    RateLimit,
    Site,
    Success,
    Unlisted,
    When,
    Where,
    Word,
)
from gatepolicy.model.facts import (
    Access,
    Capability,
    Fact,
    Grade,
    Never,
    Provenance,
    Reason,
    Unknown,
)

PAGE = "https://example.com/docs"
SHORT: dict[str, Any] = {
    "id": "moon",
    "title": "Moon",
    "ccxt_id": "moonex",
    "reference": PAGE,
    "credentials": ["apiKey", "secret"],
    "hosts": ["api.example.com"],
    "rate_limit": {"calls": 3, "seconds": 1.5},
    "calls": [{"id": "key", "http_method": "GET", "path": "/key", "reference": PAGE}],
    "errors": {"code": "/code", "text": "/msg", "patterns": [{"reason": "bad_key"}]},
    "facts": {"key.name": [{"call": "key", "pointer": "/name"}]},
    "menu": "Profile → API",
    "fixes": {"ip-unbound": "add an address"},
}
NO_PERMISSIONS = Permissions(
    call="",
    pointer="",
    shape=PermissionShape.WORD_LIST,
    separator=",",
    name_pointer="",
    read_pointer="",
    write_pointer="",
    complete=False,
    read_only_pointer="",
    read_only_marks=(),
    other_fields=frozenset(),
    levels=(),
    ignore_case=False,
    words={},
    wordless={},
    inferred_absence=frozenset(),
    inferred_reference="",
)


def test_a_file_that_says_as_little_as_possible() -> None:
    assert build(SHORT) == Exchange(
        id="moon",
        title="Moon",
        ccxt_id="moonex",
        reference=PAGE,
        credentials=("apiKey", "secret"),
        hosts=frozenset({"api.example.com"}),
        sandbox_hosts=frozenset(),
        rate_limit=RateLimit(3, 1.5),
        calls=(Call("key", "", "GET", "/key", {}, "", {}, "", PAGE, None, 1),),
        success=Success("", None, None),
        error_code="/code",
        error_text="/msg",
        errors=(ErrorPattern(Reason.BAD_KEY, None, None, None, "", {}, "", "", None, ""),),
        own_keys={},
        permissions=NO_PERMISSIONS,
        facts={
            "key.name": (
                FactSource("key", "/name", "nothing", (), (), "", False, None, "key.name"),
            )
        },
        structural={},
        not_disclosed={},
        menu="Profile → API",
        fixes={"ip-unbound": "add an address"},
        listings=(),
        named_by="apiKey",
        credentials_note="",
        alternatives=(),
        sites=(),
    )


def built(**said: Any) -> Exchange:
    return build({**SHORT, **said})


def test_everything_that_may_be_said_of_an_exchange() -> None:
    moon = built(
        sandbox_hosts=["test.example.com"],
        success={"pointer": "/code", "equals": "0", "or_equals": 0},
        own_keys={"key": {"rows": "/rows"}},
        structural={"key.subaccount": {"value": False, "reference": "the manual"}},
        not_disclosed={"key.expires_at": "no call tells"},
        named_by="walletAddress",
        credentials_note="the long one",
        sites=[
            {"title": "Moon", "at": "example.com", "exchange": "moon"},
            {"title": "Moon EU", "at": "example.eu", "note": "sign in there"},
        ],
    )
    assert moon.sandbox_hosts == {"test.example.com"}
    assert moon.success == Success("/code", "0", 0)
    assert moon.own_keys == {"key": OwnKey("/rows", "", "", False, "", False, "")}
    by_rule = Provenance(Grade.STRUCTURAL, "", "", "the manual")
    assert moon.structural == {"key.subaccount": Fact(value=False, provenance=by_rule)}
    assert moon.not_disclosed == {"key.expires_at": Unknown(Reason.NOT_DISCLOSED, "no call tells")}
    assert (moon.named_by, moon.credentials_note) == ("walletAddress", "the long one")
    assert moon.sites == (
        Site("Moon", "example.com", "moon", ""),
        Site("Moon EU", "example.eu", "", "sign in there"),
    )


def test_one_mark_of_success_is_enough() -> None:
    assert built(success={"pointer": "/ok", "equals": True}).success == Success("/ok", True, None)


def test_everything_that_may_be_said_of_a_call() -> None:
    unlisted = {"path": "more", "section": "private", "base": "https://b", "params": {"a": "b"}}
    call = {
        "id": "more",
        "ccxt_method": "private_post_more",
        "http_method": "POST",
        "path": "/more/{user}",
        "params": {
            "row": {"row": "/name"},
            "key": {"credential": "apiKey"},
            "user": {"call": "key", "pointer": "/uid"},
            "page": 2,
            "kind": "all",
        },
        "reads": "it only lists",
        "body": {"method": "list"},
        "permission": "Read",
        "reference": PAGE,
        "unlisted": unlisted,
        "weight": 5,
    }
    assert built(calls=[call]).calls == (
        Call(
            id="more",
            ccxt_method="private_post_more",
            http_method="POST",
            path="/more/{user}",
            params={
                "row": FromRow("/name"),
                "key": FromCredential("apiKey"),
                "user": FromAnswer("key", "/uid"),
                "page": 2,
                "kind": "all",
            },
            reads="it only lists",
            body={"method": "list"},
            permission="Read",
            reference=PAGE,
            unlisted=Unlisted("more", "private", "https://b", {"a": "b"}),
            weight=5,
        ),
    )


def test_everything_that_may_be_said_of_an_error() -> None:
    pattern = {
        "reason": "ip_refused",
        "status": 403,
        "code": "40018",
        "text": "invalid ip",
        "detail": "bind the egress",
        "proves": {"ip.restricted": True},
        "call": "key",
        "beside": "other",
        "where": {"pointer": "/data", "equals": None},
        "ask_instead": "unified",
    }
    errors = {"code": "/code", "text": "/msg", "patterns": [pattern]}
    assert built(errors=errors).errors == (
        ErrorPattern(
            reason=Reason.IP_REFUSED,
            status=403,
            code="40018",
            text="invalid ip",
            detail="bind the egress",
            proves={"ip.restricted": True},
            call="key",
            beside="other",
            where=Where("/data", None),
            ask_instead="unified",
        ),
    )


def test_everything_that_may_be_said_of_the_own_key() -> None:
    said = {
        "rows": "/list",
        "key": "/apiKey",
        "mask": "*",
        "ignore_case": True,
        "other_key": "/api_key",
        "optional": True,
        "prefix": "0x",
    }
    assert own_key_of(said) == OwnKey("/list", "/apiKey", "*", True, "/api_key", True, "0x")


def test_everything_that_may_be_said_of_permissions() -> None:
    said = {
        "call": "key",
        "pointer": "/perms",
        "shape": "flags",
        "separator": "|",
        "name": "/name",
        "read": "/r",
        "write": "/w",
        "complete": True,
        "read_only": {"pointer": "/ro", "marks": [{"equals": 1, "means": True}]},
        "other_fields": ["note"],
        "levels": [
            {"equals": "OFF", "means": "none"},
            {"equals": "VIEW", "means": "read-only"},
        ],
        "ignore_case": True,
        "words": {
            "trade": {
                "title": "Trading",
                "grants": ["trade.spot"],
                "unclear": ["convert"],
                "note": "not said",
                "optional": True,
                "despite_read_only": True,
            },
            "view": {"title": "Viewing"},
        },
        "wordless": {"p2p": "the web page has no box for it"},
        "inferred_absence": {"capabilities": ["withdraw"], "reference": "a guess"},
        "may_be_none": True,
        "or_list": "the second page",
    }
    assert built(permissions=said).permissions == Permissions(
        call="key",
        pointer="/perms",
        shape=PermissionShape.FLAGS,
        separator="|",
        name_pointer="/name",
        read_pointer="/r",
        write_pointer="/w",
        complete=True,
        read_only_pointer="/ro",
        read_only_marks=(Meaning(1, means=True),),
        other_fields=frozenset({"note"}),
        levels=(Level("OFF", None), Level("VIEW", Access.READ_ONLY)),
        ignore_case=True,
        words={
            "trade": Word(
                "trade",
                "Trading",
                frozenset({Capability.TRADE_SPOT}),
                frozenset({Capability.CONVERT}),
                "not said",
                optional=True,
                despite_read_only=True,
            ),
            "view": Word("view", "Viewing", frozenset(), frozenset(), "", False, False),
        },
        wordless={Capability.P2P: "the web page has no box for it"},
        inferred_absence=frozenset({Capability.WITHDRAW}),
        inferred_reference="a guess",
        may_be_none=True,
        or_list="the second page",
    )


def test_permissions_that_say_as_little_as_possible() -> None:
    assert built(permissions=NO_WORDS).permissions == NO_PERMISSIONS
    # A mark of the whole key of which no value is documented.
    marked = built(permissions={**NO_WORDS, "read_only": {"pointer": "/type"}}).permissions
    assert (marked.read_only_pointer, marked.read_only_marks) == ("/type", ())
    assert (marked.may_be_none, marked.or_list) == (False, "")


def test_everything_that_may_be_said_of_a_place() -> None:
    said = {
        "call": "key",
        "pointer": "/ip",
        "reader": "addresses_bind",
        "meanings": [
            {"equals": "ALL", "means": False},
            {"equals": "SOME", "means": True, "apparent": True},
        ],
        "when": [
            {
                "pointer": "/bound",
                "applies_if": [True],
                "applies_if_any": "digits",
                "skipped_if": [False, None],
                "skipped_if_any": "whole_number",
                "skipped_if_absent": True,
            },
            {"pointer": "/kind"},
        ],
        "other_pointer": "/IP",
        "optional": True,
        "missing": False,
    }
    assert built(facts={"ip.restricted": [said]}).facts == {
        "ip.restricted": (
            FactSource(
                call="key",
                pointer="/ip",
                reader="addresses_bind",
                meanings=(
                    Meaning("ALL", False, apparent=False),
                    Meaning("SOME", True, apparent=True),
                ),
                when=(
                    When(
                        "/bound",
                        Documented((True,), "digits"),
                        Documented((False, None), "whole_number"),
                        skipped_if_absent=True,
                    ),
                    When("/kind", Documented((), ""), Documented((), ""), False),
                ),
                other_pointer="/IP",
                optional=True,
                missing=False,
                fact="ip.restricted",
            ),
        )
    }


@pytest.mark.parametrize(
    ("fact", "written", "value"),
    [
        ("ip.restricted", False, False),
        ("key.name", "bot", "bot"),
        ("key.expires_at", "never", Never.NEVER),
        ("key.trading_pairs", ["BTC/USDT", 1], ("BTC/USDT", "1")),
        ("ip.allowlist", ["0.0.0.0/0"], (ip_network("0.0.0.0/0"),)),
    ],
)
def test_values_as_files_write_them(fact: str, written: Any, value: object) -> None:
    assert value_of(fact, written) == value


@pytest.mark.parametrize(
    ("fact", "written"),
    [
        ("ip.restricted", "yes"),
        ("ip.restricted", 1),
        ("key.name", True),
        ("key.expires_at", "2026-01-01"),
        ("key.trading_pairs", "BTC/USDT"),
        ("ip.allowlist", "0.0.0.0/0"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_its_fact(fact: str, written: Any) -> None:
    with pytest.raises(ValueError, match=f"^{written!r} is no value of {fact}$"):
        value_of(fact, written)


def test_a_listed_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        value_of("ip.allowlist", ["nowhere"])
