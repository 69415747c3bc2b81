"""Any facts, any evidence, any scan: for laws that hold for all of them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network

from hypothesis import strategies as st

from gatepolicy.model.evidence import CallRecord, Evidence, Location, Subject
from gatepolicy.model.facts import (
    FACTS,
    Access,
    Fact,
    FactKind,
    Facts,
    FactValue,
    Grade,
    Grant,
    Network,
    Never,
    Provenance,
    Reason,
    Unknown,
)
from gatepolicy.model.scan import (
    NOT_NARROWED,
    Absent,
    AccountResult,
    BaselineState,
    Comparison,
    Drift,
    FactChange,
    Gone,
    Interruption,
    Narrowing,
    Override,
    PolicyInfo,
    PolicySource,
    Scan,
    ScanSettings,
)
from gatepolicy.model.verdicts import (
    OnUnknown,
    Outcome,
    PostureLine,
    RuleInfo,
    Severity,
    Verdict,
    Waived,
    WaiverInfo,
    WaiverState,
    WaiverTerms,
)

SECONDS = st.integers(min_value=0, max_value=4_000_000_000)

HOSTILE = (
    "\x1b[2J", "\x07", "\x9b31m", "\u202eevil", "\u2028", "\r\nPASS", "\ud800", "{0}", "[a](b)",
    "\x00",
)  # fmt: skip
hostile = st.sampled_from(HOSTILE)
texts = st.one_of(st.text(max_size=12), hostile, st.just("plain"))
"""Any text, lone surrogates excepted unless among the hostile ones."""
clean_texts = st.text(st.characters(codec="utf-8"), max_size=12)
"""Any text that a file can hold."""
file_texts = st.one_of(clean_texts, hostile.filter(lambda text: text != "\ud800"))
"""Any text that a file can hold, hostile ones among them."""
DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
SKEWS = st.none() | st.integers(-9999, 9999).map(lambda seconds: timedelta(seconds=seconds))
times = st.builds(
    lambda seconds, micros: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(0, seconds, micros),
    SECONDS,
    st.sampled_from([0, 1, 250_000, 999_999]),
)


def _networks() -> st.SearchStrategy[Network]:
    def four(address: int, prefix: int) -> Network:
        return IPv4Network((address, prefix), strict=False)

    def six(address: int, prefix: int) -> Network:
        return IPv6Network((address, prefix), strict=False)

    return st.one_of(
        st.builds(four, st.integers(0, 2**32 - 1), st.integers(0, 32)),
        st.builds(six, st.integers(0, 2**128 - 1), st.integers(0, 128)),
    )


def values(kind: FactKind, text: st.SearchStrategy[str]) -> st.SearchStrategy[FactValue]:
    """Values of a kind."""
    table: dict[FactKind, st.SearchStrategy[FactValue]] = {
        FactKind.BOOL: st.booleans(),
        FactKind.TEXT: text,
        FactKind.TIME: st.one_of(times, st.just(Never.NEVER)),
        FactKind.TEXTS: st.lists(text, max_size=3).map(tuple),
        FactKind.NETWORKS: st.lists(_networks(), max_size=3).map(tuple),
        FactKind.GRANTS: st.lists(st.builds(Grant, text, st.sampled_from(Access)), max_size=3).map(
            tuple
        ),
    }
    return table[kind]


@st.composite
def facts(draw: st.DrawFn, text: st.SearchStrategy[str]) -> Facts:
    """Every fact, known or unknown."""
    known = draw(st.sets(st.sampled_from(sorted(FACTS)), max_size=4))
    sources = st.builds(Provenance, st.sampled_from(Grade), text, text, text)
    why = st.builds(Unknown, st.sampled_from(Reason), text)
    others = draw(st.lists(why, min_size=1, max_size=2))
    return Facts(
        {name: Fact(draw(values(FACTS[name].kind, text)), draw(sources)) for name in known},
        {
            name: others[position % len(others)]
            for position, name in enumerate(FACTS)
            if name not in known
        },
    )


def locations(text: st.SearchStrategy[str]) -> st.SearchStrategy[Location]:
    """Places in files of any name."""
    return st.builds(Location, text, st.integers(1, 10**6), st.integers(1, 10**4))


def subjects(text: st.SearchStrategy[str]) -> st.SearchStrategy[Subject]:
    """Accounts of any name."""
    labels = st.dictionaries(text, text, max_size=2)
    return st.builds(Subject, text, text, labels, text, locations(text))


def calls(text: st.SearchStrategy[str]) -> st.SearchStrategy[CallRecord]:
    """Calls with any answer."""
    return st.builds(
        CallRecord,
        call=text,
        method=text,
        url=text,
        status=st.one_of(st.none(), st.integers(100, 599)),
        reason=st.one_of(st.just(""), st.sampled_from([reason.value for reason in Reason])),
        attempts=st.integers(0, 9),
        answer=text,
    )


def evidences(text: st.SearchStrategy[str]) -> st.SearchStrategy[Evidence]:
    """Evidence about one account."""
    return st.builds(
        Evidence, subjects(text), times, facts(text), st.lists(calls(text), max_size=2).map(tuple)
    )


def _rules(text: st.SearchStrategy[str]) -> st.SearchStrategy[list[RuleInfo]]:
    rule = st.builds(
        RuleInfo,
        id=st.sampled_from(["GP001", "GP004", "GP010", "GP020"]),
        name=st.sampled_from(["withdrawal-enabled", "ip-unbound", "key-idle", "new-thing"]),
        title=st.one_of(st.just("The key is bad"), st.just("x" * 2000)),
        severity=st.sampled_from(Severity),
        why=st.one_of(st.just(""), text),
        fix=st.builds(lambda fix: {"default": fix}, text),
        references=st.lists(st.sampled_from(["https://example.com/a", "docs/a.md"]), max_size=2),
        tags=st.lists(st.sampled_from(["security", *"abcdefghijkl"]), unique=True),
        posture=st.none() | st.sampled_from(PostureLine),
    )
    return st.lists(rule, min_size=1, max_size=4, unique_by=lambda rule: rule.id)


@st.composite
def verdicts(draw: st.DrawFn, rules: list[RuleInfo], text: st.SearchStrategy[str]) -> Verdict:
    """A verdict of one of these rules."""
    rule = draw(st.sampled_from(rules))
    outcome = draw(st.sampled_from(Outcome))
    unknown = outcome is Outcome.UNKNOWN
    return Verdict(
        rule=rule.id,
        name=rule.name,
        outcome=outcome,
        severity=draw(st.sampled_from(Severity)),
        subject=draw(text),
        expected=draw(text),
        seen="" if unknown else draw(text),
        reason=draw(st.sampled_from(Reason)) if unknown else None,
        needed=draw(text) if unknown else "",
        on_unknown=draw(st.sampled_from(OnUnknown)),
        policy=draw(text),
        location=draw(locations(text)),
        is_verifiable=draw(st.booleans()),
    )


def _waivers(text: st.SearchStrategy[str]) -> st.SearchStrategy[list[WaiverInfo]]:
    terms = st.builds(WaiverTerms, text, text, text, text, text, text, DAYS, DAYS, locations(text))
    some = st.builds(
        WaiverInfo, terms, st.sampled_from(WaiverState), st.integers(0, 9), st.integers(0, 9)
    )
    return st.lists(some, max_size=2, unique_by=lambda waiver: waiver.terms.id)


@st.composite
def _accepted(draw: st.DrawFn, verdict: Verdict, waivers: list[WaiverInfo]) -> Verdict:
    """A waived verdict has one of the waivers, where there is any."""
    if verdict.outcome is not Outcome.WAIVED or not waivers:
        return verdict
    waiver = draw(st.sampled_from(waivers))
    underneath = draw(st.sampled_from([Outcome.FAIL, Outcome.UNKNOWN]))
    return replace(verdict, waived=Waived(underneath, waiver.terms), is_verifiable=True)


def _policies(text: st.SearchStrategy[str]) -> st.SearchStrategy[list[PolicyInfo]]:
    policy = st.builds(
        PolicyInfo,
        text,
        text,
        text,
        text,
        st.integers(0, 9),
        st.lists(st.builds(PolicySource, text, text, text), max_size=1).map(tuple),
        st.lists(st.builds(Override, text, text, text, locations(text)), max_size=1).map(tuple),
    )
    return st.lists(policy, max_size=2)


def _narrowings(text: st.SearchStrategy[str]) -> st.SearchStrategy[Narrowing]:
    names = st.lists(text, max_size=2).map(tuple)
    narrowed = st.builds(
        Narrowing,
        st.lists(text, min_size=1, max_size=2).map(tuple),
        names,
        st.integers(0, 9),
        st.integers(0, 99),
        names,
        names,
    )
    return st.just(NOT_NARROWED) | narrowed


def _settings() -> st.SearchStrategy[ScanSettings]:
    return st.builds(
        ScanSettings,
        st.sampled_from(Severity),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.frozensets(st.sampled_from(["ip-unbound", "key-idle"])),
        st.integers(1, 60).map(lambda days: timedelta(days=days)),
        st.just({}) | st.just({"--exit-zero": "command line"}),
    )


@st.composite
def _drifts(draw: st.DrawFn, scan: Scan, text: st.SearchStrategy[str]) -> Drift | None:
    """No earlier scan, or one to which every verdict stands somehow."""
    if draw(st.booleans()):
        return None
    findings = scan.as_findings()
    there = [state for state in BaselineState if state is not BaselineState.ABSENT]
    standings = st.builds(
        Comparison,
        st.sampled_from(there),
        st.booleans(),
        st.lists(text, max_size=1).map(tuple),
    )
    changes = st.builds(FactChange, text, st.booleans(), text, text, text, text, text)
    absent = st.sampled_from(findings) if findings else st.nothing()
    return Drift(
        baseline=draw(text),
        states={finding.question: draw(standings) for finding in findings},
        absent=draw(
            st.lists(st.builds(Absent, absent, st.sampled_from(Gone), text), max_size=1)
            if findings
            else st.just([])
        ),
        changes=draw(st.lists(changes, max_size=1)),
    )


@st.composite
def whole_scans(draw: st.DrawFn, text: st.SearchStrategy[str] = file_texts) -> Scan:
    """Any finished scan with all that one can have, as far as a file can hold it."""
    scan = draw(scans(text))
    waivers = draw(_waivers(text))
    scan = replace(
        scan,
        settings=draw(_settings()),
        policies=draw(_policies(text)),
        narrowing=draw(_narrowings(text)),
        waivers=waivers,
        general=[draw(_accepted(verdict, waivers)) for verdict in scan.general],
        accounts=[
            AccountResult(
                replace(one.evidence, clock_skew=draw(SKEWS)),
                [draw(_accepted(verdict, waivers)) for verdict in one.verdicts],
            )
            for one in scan.accounts
        ],
        evidence_at=draw(st.none() | times),
        has_broken_baseline=draw(st.booleans()),
        scope=draw(text),
    )
    return replace(scan, drift=draw(_drifts(scan, text)))


@st.composite
def scans(draw: st.DrawFn, text: st.SearchStrategy[str] = texts) -> Scan:
    """Any finished scan."""
    rules = draw(_rules(text))
    some = st.lists(verdicts(rules, text), max_size=3)
    started = draw(times)
    return Scan(
        started_at=started,
        finished_at=started + timedelta(seconds=draw(st.integers(0, 100))),
        settings=draw(
            st.builds(
                ScanSettings,
                st.sampled_from(Severity),
                st.booleans(),
                st.booleans(),
                st.booleans(),
            )
        ),
        rules=rules,
        policies=draw(
            st.lists(st.builds(PolicyInfo, text, text, text, text, st.integers(0, 9)), max_size=2)
        ),
        accounts=draw(st.lists(st.builds(AccountResult, evidences(text), some), max_size=2)),
        general=draw(some),
        warnings=draw(st.lists(text, max_size=2)),
        interrupted_by=draw(st.none() | st.sampled_from(Interruption)),
    )
