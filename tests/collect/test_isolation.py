"""What goes wrong with one account costs that account, and nobody else."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from gatepolicy import __version__
from gatepolicy.collect.guard import SignedRequest
from gatepolicy.collect.listing import MOST_REQUESTS
from gatepolicy.collect.run import warnings_of
from gatepolicy.collect.signer import Credentials, Signer
from gatepolicy.correlate.collected import Target
from gatepolicy.exchanges.exchange import Call, Exchange, Sent
from gatepolicy.model.facts import Reason
from tests.collect.virtual import Network, collect_virtually, target_on, targets_on


def moved(target: Target, **changes: object) -> Target:
    """An account whose catalog is of another time than the installed ccxt."""
    exchange = target.exchange
    assert exchange is not None
    calls = [replace(call, path="/api/v6/moved") for call in exchange.calls]
    fields = {"calls": calls, **changes}
    return replace(target, exchange=replace(exchange, **fields))  # type: ignore[arg-type]


def test_a_request_that_the_guard_refuses_ends_its_account_only_and_loudly() -> None:
    okx = [moved(target) for target in targets_on({"okx": 3})]
    targets = [*okx, *targets_on({"gate": 1})]
    network = Network(0.1, {})
    found, _ = collect_virtually(targets, network)
    for at in range(3):
        evidence = found[at].evidence
        assert {why.reason for why in evidence.facts.unknown.values()} == {Reason.REQUEST_REFUSED}
        assert [(call.attempts, call.status) for call in evidence.calls] == [(0, None)]
    assert found[3].evidence.calls[0].status == 200
    assert {host for _, host in network.sent} == {"api.gateio.ws"}
    (warning,) = warnings_of(targets, found)
    assert re.fullmatch(
        r"okx: okx-00000 and 2 more: ccxt [\d.]+ asks \w+ with a different path than the catalog"
        r" declares \(GET /api/v6/moved\); it was not sent; the installed ccxt does not match the"
        r" catalog: update one of them",
        warning,
    )


class Odd(Signer):
    """Raises what nobody foresees, for one exchange."""

    async def sign(
        self,
        exchange: Exchange,
        call: Call,
        params: Mapping[str, Sent],
        credentials: Credentials,
        *,
        sandbox: bool,
    ) -> SignedRequest:
        if exchange.id == "okx":
            raise RuntimeError("https://canary.example.com?signature=canary")
        return await super().sign(exchange, call, params, credentials, sandbox=sandbox)


def test_an_unforeseen_error_ends_its_account_with_its_kind_and_a_reference() -> None:
    targets = targets_on({"okx": 2, "gate": 1})
    found, _ = collect_virtually(targets, Network(0.1, {}), signer=Odd())
    assert found[2].evidence.calls[0].status == 200
    (why,) = set(found[0].evidence.facts.unknown.values())
    assert why.reason is Reason.INTERNAL_ERROR
    place = re.escape(f"RuntimeError, reference {__version__}:collect/collector.py:")
    assert re.fullmatch(rf"{place}\d+", why.detail)
    (warning,) = warnings_of(targets, found)
    assert warning.startswith("okx: okx-00000 and 1 more: RuntimeError, reference ")
    assert "please report" in warning
    assert "canary" not in repr(found) + warning


def test_an_auditor_that_could_not_be_read_lists_nothing_for_its_own_reason() -> None:
    targets = [target_on("okx", 1, lists=True)]
    found, _ = collect_virtually(targets, Network(0.1, {}), signer=Odd())
    listed = found[0].listed
    assert listed is not None
    assert listed.keys == ()
    assert listed.missing is not None
    assert listed.missing.reason is Reason.INTERNAL_ERROR
    assert listed.of_account == listed.missing


NONE = b'{"code": "0", "data": []}'


def sub_accounts(count: int) -> bytes:
    rows = [{"subAcct": f"desk{number}", "enable": True} for number in range(count)]
    return json.dumps({"code": "0", "data": rows}).encode()


@pytest.mark.parametrize(
    ("timeout", "max_rate", "requests", "reason"),
    [
        # 8,000 sub-accounts: no more than 500 requests …
        (30.0, 1000.0, MOST_REQUESTS, "more than 500 requests"),
        # … and no more than 20 times the time-out at the exchange's pace.
        (1.0, 5.0, 1 + 100, "its lists take more than 20 s (20 x timeout)"),
    ],
)
def test_an_endless_list_ends(timeout: float, max_rate: float, requests: int, reason: str) -> None:
    targets = [target_on("okx", 1, lists=True, timeout=timeout)]
    answer = sub_accounts(8000)
    network = Network(0.001, {}, answer=lambda url: answer if url.path.endswith("list") else NONE)
    found, seconds = collect_virtually(targets, network, max_rate=max_rate)
    assert len(network.sent) == requests
    assert seconds < 25
    listed = found[0].listed
    assert listed is not None
    assert listed.missing is not None
    assert listed.missing.reason is Reason.LIMIT_REACHED
    assert reason in listed.missing.detail


def test_waiting_for_others_costs_no_time_of_ones_own() -> None:
    targets = targets_on({"okx": 100}, timeout=1.0)
    found, seconds = collect_virtually(targets, Network(0.1, {}), max_rate=1.0)
    assert seconds > 90
    assert all(one.evidence.calls[0].status == 200 for one in found.values())


def test_a_huge_answer_is_an_unexpected_one() -> None:
    targets = targets_on({"okx": 1, "gate": 1})
    huge = json.dumps({"code": "0", "data": [{"label": "x" * 400_000}]}).encode()
    network = Network(0.1, {}, answer=lambda url: huge if url.host == "www.okx.com" else b"{}")
    found, _ = collect_virtually(targets, network)
    why = found[0].evidence.facts.unknown["key.name"]
    assert why.reason is Reason.UNEXPECTED_ANSWER
    assert why.detail == "a text of more than 65,536 characters"


def test_a_row_that_fits_no_path_is_a_gap_in_the_list() -> None:
    target = target_on("gate", 1, lists=True)
    rows = json.dumps([{"user_id": "../../x", "state": 1}]).encode()
    network = Network(0.1, {}, answer=lambda _: rows)
    found, _ = collect_virtually([target], network)
    listed = found[0].listed
    assert listed is not None
    assert listed.missing is not None
    assert listed.missing.reason is Reason.UNEXPECTED_ANSWER
    assert found[0].trouble is None
