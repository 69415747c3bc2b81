"""A dead exchange does not cost a time-out per account, and is told."""

import aiohttp
import pytest

from gatepolicy.collect.run import warnings_of
from gatepolicy.collect.schedule import SILENT_AFTER, Silence
from gatepolicy.model.facts import Reason
from tests.collect.virtual import Network, collect_virtually, target_on, targets_on

OKX = "www.okx.com"


def failed(*reasons: Reason, timeout: float = 30.0) -> Silence:
    silence = Silence("okx via direct")
    for reason in reasons:
        silence.failed(reason, timeout)
    return silence


def test_five_failures_of_one_kind_are_enough_and_four_are_not() -> None:
    assert SILENT_AFTER == 5
    why = failed(*[Reason.TIMEOUT] * 5).why(30.0)
    assert why is not None
    assert why.reason is Reason.TIMEOUT
    assert why.detail == (
        "not read: at least 5 accounts in a row failed with timeout on okx via direct"
    )
    assert failed(*[Reason.TIMEOUT] * 4).why(30.0) is None
    assert failed().why(30.0) is None


def test_failures_of_two_kinds_are_no_row() -> None:
    assert failed(*[Reason.TIMEOUT] * 4, *[Reason.UNREACHABLE] * 4).why(30.0) is None
    assert failed(*[Reason.TIMEOUT] * 4, *[Reason.UNREACHABLE] * 5).why(30.0) is not None


def test_an_answer_ends_the_row_at_any_time() -> None:
    silence = failed(*[Reason.TLS_ERROR] * 5)
    silence.answered()
    assert silence.why(30.0) is None
    silence.failed(Reason.TLS_ERROR, 30.0)
    assert silence.why(30.0) is None


def test_who_waits_longer_than_all_that_timed_out_is_asked() -> None:
    assert failed(*[Reason.TIMEOUT] * 5, timeout=1.0).why(2.0) is None
    assert failed(*[Reason.TIMEOUT] * 5, timeout=1.0).why(1.0) is not None
    assert failed(*[Reason.UNREACHABLE] * 5, timeout=1.0).why(2.0) is not None


@pytest.mark.parametrize("jobs", [2, 5, 16, 500])
def test_the_same_accounts_of_a_dead_exchange_are_asked_whatever_the_jobs(jobs: int) -> None:
    targets = targets_on({"okx": 60})
    found, _ = collect_virtually(targets, Network(0.1, {OKX: (30.0, TimeoutError())}), jobs=jobs)
    assert {at for at, one in found.items() if one.evidence.calls} == {0, 1, 2, 3, 4}


def test_an_exchange_that_dies_meanwhile_costs_one_time_out_more() -> None:
    targets = targets_on({"bybit": 300, "okx": 300})
    network = Network(0.1, {})

    def die() -> None:
        if len(network.sent) == 100:
            network.failing = {"api.bybit.com": (30.0, TimeoutError())}

    network.asked = die
    found, seconds = collect_virtually(targets, network, jobs=16)
    # 30 s for 300 calls at 10 per second.
    assert seconds < 30 + 35
    reasons = [found[at].evidence.facts.unknown["permission.read"].reason for at in range(300)]
    assert set(reasons) == {Reason.UNEXPECTED_ANSWER, Reason.TIMEOUT}
    assert all(found[at].evidence.calls[0].status == 200 for at in range(300, 600))


@pytest.mark.parametrize("inventory_order", [1, -1])
def test_the_rest_of_a_dead_exchange_is_unknown_at_once_and_costs_the_others_nothing(
    inventory_order: int,
) -> None:
    targets = targets_on({"okx": 200, "gate": 50})[::inventory_order]
    network = Network(0.1, {OKX: (30.0, TimeoutError())})
    found, seconds = collect_virtually(targets, network, jobs=16)
    # One time-out, and not 200 of them through 16 jobs.
    assert seconds < 31
    of_okx = {at for at, target in enumerate(targets) if target.account.subject.exchange == "okx"}
    reasons = {found[at].evidence.facts.unknown["key.exists"].reason for at in of_okx}
    assert reasons == {Reason.TIMEOUT}
    asked = {at for at in of_okx if found[at].evidence.calls}
    assert len(asked) == sum(host == OKX for _, host in network.sent) == SILENT_AFTER
    others = found.keys() - of_okx
    assert len(others) == 50
    assert all(found[at].evidence.calls[0].status == 200 for at in others)
    (warning,) = warnings_of(targets, found)
    first = targets[min(of_okx - asked)].account.subject.id
    assert warning == (
        f"okx: {first} and 194 more: not read: at least 5 accounts in a row failed with timeout"
        " on okx via direct; scan again, or raise the account's timeout"
    )


def test_unreachable_is_tried_again_before_it_counts() -> None:
    targets = targets_on({"okx": 40})
    network = Network(0.1, {OKX: (0.0, aiohttp.ServerDisconnectedError())})
    found, _ = collect_virtually(targets, network, jobs=1)
    assert len(network.sent) == 2 * SILENT_AFTER
    assert {one.evidence.facts.unknown["key.exists"].reason for one in found.values()} == {
        Reason.UNREACHABLE
    }
    # The keys are compared all the same.
    assert all(one.api_key is not None for one in found.values())


def test_another_egress_is_another_queue() -> None:
    here = targets_on({"okx": 30})
    there = [target_on("okx", 100 + n, proxy="http://203.0.113.7:3128") for n in range(30)]
    network = Network(0.1, {OKX: (0.0, aiohttp.ServerDisconnectedError())})
    collect_virtually([*here, *there], network, jobs=1)
    assert len(network.sent) == 2 * 2 * SILENT_AFTER
