"""Both kinds of Coinbase's keys, by the real client: ES256 of a PEM, EdDSA of a base64 secret."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gatepolicy.collect.signer import Signer
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.model.evidence import Evidence
from gatepolicy.model.facts import Reason
from gatepolicy.model.secret import Secret
from gatepolicy.simulator.fleet import with_withdraw
from gatepolicy.simulator.keys import SimulatedKey
from gatepolicy.simulator.profile import load_profile
from gatepolicy.simulator.profile_keys import profile_key
from gatepolicy.simulator.schemes.encoded import base64_object, bearer_token

Ask = Callable[..., list[Evidence]]
NOW = datetime.now(UTC)
KINDS = {
    "ES256": {"apiKey": "coinbase_key_name", "secret": "es256_pem"},
    "EdDSA": {"apiKey": "coinbase_key_id", "secret": "ed25519_base64"},
}
each_kind = pytest.mark.parametrize("kind", KINDS)
other_kind = {"ES256": "EdDSA", "EdDSA": "ES256"}


def key_of(kind: str, number: int = 7) -> SimulatedKey:
    profile = replace(load_profile("coinbase"), credentials=KINDS[kind])
    return profile_key(profile, number, NOW)


def observed(evidence: Evidence) -> dict[str, object]:
    return {n: f.value for n, f in evidence.facts.known.items() if n.startswith("permission.")}


@each_kind
def test_the_client_signs_with_the_algorithm_of_its_secret(kind: str) -> None:
    exchange, key = load_exchange("coinbase"), key_of(kind)
    given = {"apiKey": Secret(key.api_key), "secret": Secret(key.secret)}
    signing = Signer().sign(exchange, exchange.calls[0], {}, given, sandbox=False)
    header, claims, _ = bearer_token(asyncio.run(signing).headers["Authorization"])
    assert base64_object(header)["alg"] == kind
    assert ("uris" in base64_object(claims)) is (kind == "EdDSA")


@each_kind
def test_a_safe_key_tells_what_it_may(ask: Ask, kind: str) -> None:
    [evidence] = ask([key_of(kind)])
    assert observed(evidence)["permission.trade.spot"] is True
    assert observed(evidence)["permission.withdraw"] is False
    [evidence] = ask([with_withdraw(key_of(kind), NOW)])
    assert observed(evidence)["permission.withdraw"] is True


@each_kind
def test_a_wrong_secret_of_either_kind_proves_nothing(ask: Ask, kind: str) -> None:
    for wrong in (key_of(kind, 8), key_of(other_kind[kind], 7)):
        [evidence] = ask([replace(key_of(kind), given_secret=wrong.secret)])
        assert "key.exists" not in evidence.facts.known
        assert observed(evidence) == {}
        assert evidence.facts.unknown["permission.withdraw"].reason is Reason.BAD_KEY


@each_kind
def test_a_damaged_secret_signs_nothing_and_is_not_told(ask: Ask, kind: str) -> None:
    damaged = key_of(kind).secret[:40] + key_of(kind).secret[60:]
    [evidence] = ask([replace(key_of(kind), given_secret=damaged)])
    assert observed(evidence) == {}
    why = evidence.facts.unknown["permission.withdraw"]
    assert why.reason in {Reason.BAD_CREDENTIALS_CONFIG, Reason.BAD_KEY}
    assert damaged[:40] not in json.dumps([why.detail, repr(evidence)])


@each_kind
def test_nothing_secret_is_in_the_evidence(ask: Ask, kind: str) -> None:
    key = key_of(kind)
    text = repr(ask([key]))
    assert key.api_key not in text
    assert key.secret.strip().splitlines()[-1] not in text
    assert key.secret not in text
