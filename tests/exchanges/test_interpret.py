"""Successes and failures are told apart by status, code and words."""

from dataclasses import replace
from typing import Any

import pytest

from gatepolicy.exchanges.answers import Answer, NoAnswer, RawAnswer
from gatepolicy.exchanges.build import NO_WORDS, permissions_of
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.exchange import ErrorPattern, Exchange, FactSource, Site, Where
from gatepolicy.exchanges.interpret import Failure, Parsed, about_sisters, described, interpret
from gatepolicy.exchanges.normalise import normalise
from gatepolicy.model.facts import Grade, Reason

OKX, GATE, BINANCE, BYBIT, LBANK = (
    load_exchange(name) for name in ("okx", "gate", "binance", "bybit", "lbank")
)


def test_a_success_needs_its_code_of_the_right_type() -> None:
    assert interpret(OKX, Answer(200, b'{"code":"0","data":[]}')) == Parsed(
        {"code": "0", "data": []}
    )
    for body in (b'{"code":0}', b'{"code":"00"}', b"{}", b"[]", b"null", b'{"code":null}', b'"0"'):
        failure = interpret(OKX, Answer(200, body))
        assert isinstance(failure, Failure)
        assert failure.reason is Reason.UNEXPECTED_ANSWER


def test_zero_is_not_false() -> None:
    assert isinstance(interpret(BYBIT, Answer(200, b'{"retCode":0}')), Parsed)
    assert isinstance(interpret(BYBIT, Answer(200, b'{"retCode":false}')), Failure)
    assert isinstance(interpret(BYBIT, Answer(200, b'{"retCode":0.0}')), Failure)


LBANK_SHOWN = b'{"enableReading":true,"enableSpotTrading":true,"enableWithdrawals":true}'


@pytest.mark.parametrize("mark", [b'"true"', b"true"])
def test_lbank_writes_its_success_in_two_ways(mark: bytes) -> None:
    body = b'{"result":' + mark + b',"data":' + LBANK_SHOWN + b"}"
    facts = normalise(LBANK, {"restrictions": Answer(200, body)}, None)
    assert facts.known["permission.withdraw"].value is True
    assert facts.known["permission.withdraw"].provenance.grade is Grade.OBSERVED


@pytest.mark.parametrize("mark", [b'"false"', b"false", b"1", b"null", b'"True"', b'""', b"[true]"])
def test_nothing_else_is_a_success_of_lbank(mark: bytes) -> None:
    failure = interpret(LBANK, Answer(200, b'{"result":' + mark + b"}"))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.UNEXPECTED_ANSWER


@pytest.mark.parametrize("status", [201, 204, 206, 301, 400, 500])
def test_a_success_needs_the_status_200(status: int) -> None:
    assert isinstance(interpret(OKX, Answer(status, b'{"code":"0","data":[]}')), Failure)


def test_without_a_success_code_an_error_code_must_be_absent() -> None:
    assert interpret(BINANCE, Answer(200, b'{"ipRestrict":true}')) == Parsed({"ipRestrict": True})
    failure = interpret(BINANCE, Answer(200, b'{"code":-2015,"ipRestrict":true}'))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.BAD_KEY


def test_no_answer_keeps_its_reason() -> None:
    assert interpret(OKX, NoAnswer(Reason.TIMEOUT, "late")) == Failure(Reason.TIMEOUT, "late")


def test_the_first_pattern_wins() -> None:
    words = b'{"label":"FORBIDDEN","message":"Request IP not in whitelist: 203.0.113.74"}'
    assert interpret(GATE, Answer(403, words)) == Failure(
        Reason.IP_REFUSED, "", {"ip.restricted": True}
    )
    words = b'{"label":"FORBIDDEN","message":"Request API key does not have account permission"}'
    failure = interpret(GATE, Answer(403, words))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.PERMISSION_DENIED
    assert failure.detail.endswith('add "account" read-only to the key')
    assert failure.proves == {}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, Reason.UNEXPECTED_ANSWER),
        (400, Reason.UNEXPECTED_ANSWER),
        (401, Reason.UNEXPECTED_ANSWER),
        (403, Reason.UNEXPECTED_ANSWER),
        (404, Reason.UNEXPECTED_ANSWER),
        (418, Reason.RATE_LIMITED),
        (429, Reason.RATE_LIMITED),
        (451, Reason.GEO_BLOCKED),
        (500, Reason.UNREACHABLE),
        (502, Reason.UNREACHABLE),
        (503, Reason.MAINTENANCE),
        (504, Reason.UNREACHABLE),
        (519, Reason.UNEXPECTED_ANSWER),
        (520, Reason.UNREACHABLE),
        (526, Reason.UNREACHABLE),
        (527, Reason.UNEXPECTED_ANSWER),
        (599, Reason.UNEXPECTED_ANSWER),
    ],
)
@pytest.mark.parametrize("body", [b"<html>", b"", b"{", b'{"code":"1","msg":"?"}', b"[1]", b"1"])
def test_an_undocumented_answer_is_told_by_its_status(
    status: int, reason: Reason, body: bytes
) -> None:
    failure = interpret(OKX, Answer(status, body))
    assert isinstance(failure, Failure)
    assert failure.reason is reason
    assert failure.detail.startswith(f"HTTP {status}, ")


def test_a_firewall_page_can_have_a_pattern_of_its_own() -> None:
    failure = interpret(BYBIT, Answer(403, b"<html>"))
    assert failure == Failure(
        Reason.UNEXPECTED_ANSWER,
        "a firewall's page (HTTP 403) means a blocked region or too many requests",
    )
    assert interpret(BINANCE, Answer(451, b"")) == Failure(
        Reason.GEO_BLOCKED, "HTTP 451, an empty body"
    )


def test_a_page_is_known_by_its_words_alone() -> None:
    page = b"<H1>Error</H1><b>1015</b> Ray ID \xff"
    assert interpret(OKX, Answer(403, page)) == Failure(
        Reason.RATE_LIMITED,
        "HTTP 403, a page of Cloudflare (1015): too many requests from this address",
    )
    # This one says why only with one status; words between tags are no words of the page.
    front = b"<p>Generated by\n  cloudfront</p>"
    detail = (
        "HTTP 403, a page of CloudFront, which does not say why the request was blocked: a region,"
        " a firewall rule or too many requests"
    )
    assert interpret(OKX, Answer(403, front)) == Failure(Reason.UNEXPECTED_ANSWER, detail)
    other = Failure(Reason.UNREACHABLE, "HTTP 502, an HTML page instead of JSON")
    assert interpret(OKX, Answer(502, front)) == other
    assert interpret(OKX, Answer(502, b"<p class='error 1015'>")) == other


def test_a_page_knows_nothing_about_a_key() -> None:
    def by_status(**more: Any) -> Exchange:
        pattern = ErrorPattern(Reason.BAD_KEY, 401, None, None, "unknown key", {})
        return replace(OKX, sites=(), errors=(replace(pattern, **more),))

    def failure(body: bytes, **more: Any) -> Failure:
        found = interpret(by_status(**more), Answer(401, body))
        assert isinstance(found, Failure)
        return found

    assert failure(b"denied") == Failure(Reason.BAD_KEY, "unknown key")
    assert failure(b"denied <").reason is Reason.BAD_KEY
    page = Failure(Reason.UNEXPECTED_ANSWER, "HTTP 401, an HTML page instead of JSON")
    assert failure(b" \n<html>") == page
    assert failure(b"<html> ") == page
    # What does not look at the key may say so by a page.
    assert failure(b"<html>", reason=Reason.MAINTENANCE).reason is Reason.MAINTENANCE
    # A pattern with a code or with words needs JSON.
    for more in ({"code": "1"}, {"text": "denied"}, {"where": Where("/a", 1)}):
        assert failure(b"denied", **more).reason is Reason.UNEXPECTED_ANSWER


def test_sister_sites_stand_behind_what_the_catalog_says() -> None:
    sites = tuple(Site(name, f"{name}.example") for name in ("here", "a", "b"))
    okx = replace(OKX, sites=sites)
    listed = "; ".join(f"{s.title} ({s.at})" for s in okx.sister_sites)
    assert "; " in listed
    where = f"{OKX.title} does not accept keys of its sister sites: {listed}"
    assert about_sisters(okx, Reason.BAD_KEY, "") == where
    assert about_sisters(okx, Reason.BAD_KEY, "unknown key") == f"unknown key; {where}"
    assert about_sisters(okx, Reason.TIMEOUT, "late") == "late"


def test_a_site_says_what_to_do_about_its_keys() -> None:
    assert described(Site("Moon", "moon.example", "moon")) == (
        "Moon (moon.example: declare the account as moon)"
    )
    assert described(Site("Moon", "moon.example", "moon", "a note")) == (
        "Moon (moon.example: declare the account as moon)"
    )
    assert described(Site("Sun", "sun.example", note="ask its desk")) == (
        "Sun (sun.example: ask its desk)"
    )
    assert described(Site("Sun", "sun.example")) == "Sun (sun.example)"


def test_only_a_key_that_is_not_known_may_belong_to_a_sister_site() -> None:
    moon = replace(GATE, title="Moon", sites=(Site("Sun", "sun.example"),), errors=())
    where = "Moon does not accept keys of its sister sites: Sun (sun.example)"
    for reason, is_named in ((Reason.BAD_KEY, True), (Reason.BAD_SIGNATURE, False)):
        pattern = ErrorPattern(reason, 401, None, None, "", {})
        exchange = replace(moon, errors=(pattern,))
        for body in (b'{"label": "x"}', b"no JSON at all"):
            failure = interpret(exchange, Answer(401, body))
            assert isinstance(failure, Failure)
            assert failure.reason is reason
            assert (where in failure.detail) is is_named


@pytest.mark.parametrize(
    "code", [b"true", b"[1]", b"null", b'"two words"', b'"' + b"a" * 41 + b'"']
)
def test_what_is_no_code_is_not_quoted(code: bytes) -> None:
    failure = interpret(OKX, Answer(401, b'{"code":' + code + b"}"))
    assert failure == Failure(Reason.UNEXPECTED_ANSWER, "HTTP 401, an undocumented answer")


def test_a_code_is_quoted_only_when_it_looks_like_one() -> None:
    failure = interpret(OKX, Answer(401, b'{"code":"59999"}'))
    assert isinstance(failure, Failure)
    assert "59999" in failure.detail
    failure = interpret(OKX, Answer(401, b'{"code":"key a15530e2 is wrong"}'))
    assert isinstance(failure, Failure)
    assert "a15530e2" not in failure.detail
    assert isinstance(interpret(OKX, Answer(401, b'{"code":true}')), Failure)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"\xff", "not UTF-8"),
        (b"", "an empty body"),
        (b"  <html>", "an HTML page instead of JSON"),
        (b"{]", "not JSON"),
        (b'{"a":1,"a":2}', "a duplicate key in an object"),
        (b'{"a":NaN}', "not a number"),
        (b'{"a":1e999}', "a number that is too large"),
        (b'{"a":"\\ud800"}', "an unpaired surrogate"),
        (b"[" * 65 + b"]" * 65, "nested too deeply"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested too deeply"),
        (b"9" * 5000, "not JSON"),
    ],
    ids=range(12),
)
def test_what_two_parsers_could_read_differently_is_no_answer(body: bytes, detail: str) -> None:
    assert interpret(BINANCE, Answer(200, body)) == Failure(
        Reason.UNEXPECTED_ANSWER, f"HTTP 200, {detail}"
    )


def test_many_brackets_that_are_not_deep_are_fine() -> None:
    body = b'{"a":[' + b",".join([b"[{}]"] * 80) + b'],"b":"\\ud83d\\ude00"}'
    assert isinstance(interpret(BINANCE, Answer(200, body)), Parsed)


OFF = {"permission.withdraw": False}
REFUSED = Answer(200, b'{"error":"No permission"}')


def refusing() -> Exchange:
    """An exchange whose refusal means something of one call."""
    [call] = BINANCE.calls
    pattern = ErrorPattern(
        Reason.PERMISSION_DENIED, None, "No permission", None, "", OFF, "second", call.id
    )
    return replace(
        BINANCE,
        calls=[call, replace(call, id="second")],
        error_code="/error",
        errors=[pattern],
        facts={"permission.withdraw": [FactSource("second", "/on", "flag")]},
        permissions=permissions_of(NO_WORDS),
    )


def test_an_error_of_one_call_is_none_of_another() -> None:
    exchange = refusing()
    [first, second] = [interpret(exchange, REFUSED, call.id) for call in exchange.calls]
    assert isinstance(first, Failure)
    assert isinstance(second, Failure)
    assert (first.reason, first.proves) == (Reason.UNEXPECTED_ANSWER, {})
    assert (second.reason, second.proves) == (Reason.PERMISSION_DENIED, OFF)


@pytest.mark.parametrize(
    ("body", "proved"),
    [
        (b'{"error":"No permission"}', True),
        (b'{"error":"no permission"}', False),
        (b'{"error":"No permission."}', False),
        (b'{"message":"No permission"}', False),
    ],
)
def test_only_the_very_words_prove(body: bytes, proved: bool) -> None:
    exchange = refusing()
    answers = {exchange.calls[0].id: Answer(200, b"{}"), "second": Answer(200, body)}
    known = normalise(exchange, answers, "a key").known
    assert ("permission.withdraw" in known) is proved


@pytest.mark.parametrize("other", [REFUSED, Answer(200, b""), NoAnswer(Reason.TIMEOUT)])
def test_a_refusal_that_may_be_one_of_the_whole_key_proves_nothing(other: RawAnswer) -> None:
    exchange = refusing()
    answers = {exchange.calls[0].id: other, "second": REFUSED}
    facts = normalise(exchange, answers, "a key")
    assert "permission.withdraw" not in facts.known


def with_where(**changes: object) -> Exchange:
    pattern = ErrorPattern(
        Reason.BAD_KEY, None, None, None, "nobody uses it", {}, where=Where("/role", "missing")
    )
    errors = (replace(pattern, **changes), *OKX.errors)  # type: ignore[arg-type]
    return replace(OKX, errors=errors, sites=())


def test_a_success_can_say_that_there_is_no_such_key() -> None:
    missing = Answer(200, b'{"code":"0","role":"missing"}')
    assert interpret(OKX, missing) == Parsed({"code": "0", "role": "missing"})
    assert interpret(with_where(), missing) == Failure(Reason.BAD_KEY, "nobody uses it")
    # Of the call that it is about, only.
    assert isinstance(interpret(with_where(call="role"), missing, "agents"), Parsed)
    assert isinstance(interpret(with_where(call="role"), missing, "role"), Failure)


@pytest.mark.parametrize("role", [b'"Missing"', b"true", b"null", b'["missing"]', b'""'])
def test_only_that_very_value_says_so(role: bytes) -> None:
    body = b'{"code":"0","role":' + role + b"}"
    assert isinstance(interpret(with_where(), Answer(200, body)), Parsed)
    assert isinstance(interpret(with_where(), Answer(200, b'{"code":"0"}')), Parsed)


@pytest.mark.parametrize(
    ("status", "body", "proved"),
    [
        (403, b'{"code":"50110"}', OFF),
        # It refuses and says that it succeeds: nobody knows which.
        (403, b'{"code":"0"}', {}),
        # A success that says that there is no such key contradicts nothing.
        (200, b'{"code":"0","role":"missing"}', OFF),
    ],
)
def test_a_refusal_that_says_it_succeeds_proves_nothing(
    status: int, body: bytes, proved: dict[str, bool]
) -> None:
    refused = ErrorPattern(Reason.IP_REFUSED, 403, None, None, "refused", OFF)
    absent = replace(refused, status=200, where=Where("/role", "missing"))
    failure = interpret(replace(OKX, errors=(refused, absent)), Answer(status, body))
    assert failure == Failure(Reason.IP_REFUSED, "refused", proved)


def test_without_a_mark_of_success_a_refusal_contradicts_nothing() -> None:
    refused = ErrorPattern(Reason.IP_REFUSED, 403, None, None, "refused", OFF)
    assert interpret(replace(GATE, errors=(refused,)), Answer(403, b"{}")) == Failure(
        Reason.IP_REFUSED, "refused", OFF
    )


@pytest.mark.parametrize("message", [b"7", b"null", b'[""]', b"{}", b'""'])
def test_what_is_no_text_holds_no_words(message: bytes) -> None:
    words = ErrorPattern(Reason.BAD_KEY, None, None, "x", "unknown", {})
    body = b'{"code":"1","msg":' + message + b"}"
    failure = interpret(replace(OKX, errors=(words,), sites=()), Answer(200, body))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.UNEXPECTED_ANSWER


def test_other_patterns_are_not_about_successes() -> None:
    exchange = with_where(where=None, status=200)
    assert isinstance(interpret(exchange, Answer(200, b'{"code":"0"}')), Parsed)
    assert interpret(exchange, Answer(200, b'{"code":"1"}')) == Failure(
        Reason.BAD_KEY, "nobody uses it"
    )


def test_a_body_that_is_no_json_holds_no_value() -> None:
    failure = interpret(with_where(status=422), Answer(422, b"missing"))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.UNEXPECTED_ANSWER
