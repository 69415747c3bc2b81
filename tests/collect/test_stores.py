"""A scan fetches every secret once, several at a time, and again after transient errors."""

import asyncio
import string
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.accounts.account import StoreKind, StoreReference
from gatepolicy.accounts.inventory import reference_of
from gatepolicy.collect.local import CredentialError
from gatepolicy.collect.run import try_all
from gatepolicy.collect.secrets import Resolved, SecretSources, resolve_all
from gatepolicy.collect.stores import Fetches, Held, Store, StoreError
from tests.collect.references import HERE, WAIT, account_with, error_of, resolved, value_of, without

PLANTED = "Planted0Secret9Of8Nobody7"


@dataclass
class Shelf:
    """A store in memory, which takes its time and fails as the test says."""

    held: Mapping[str, str]
    seconds: float = 0.0
    failures: list[Exception] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    most: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, name: str) -> Held:
        with self._lock:
            self.reads.append(name)
            self._at_once += 1
            self.most = max(self.most, self._at_once)
            failure = self.failures.pop(0) if self.failures else None
        time.sleep(self.seconds)
        with self._lock:
            self._at_once -= 1
        if failure is not None:
            raise failure
        if name not in self.held:
            raise StoreError("it does not exist")
        return Held(self.held[name], name)


@pytest.fixture
def sources(tmp_path: Path) -> SecretSources:
    return SecretSources.real(str(tmp_path / "accounts.yaml"))


def on(sources: SecretSources, shelf: Shelf) -> SecretSources:
    return replace(sources, open_store=lambda *_: shelf, environ={})


async def no_sleep(seconds: float) -> None:
    assert seconds <= 1.0


def fast(sources: SecretSources) -> SecretSources:
    fetches = Fetches(WAIT, no_sleep)
    return replace(sources, fetches=lambda: fetches)


def at_once(
    accounts: Mapping[str, str], sources: SecretSources
) -> list[Resolved | CredentialError]:
    """Resolve several accounts in one scan, all at the same time."""

    async def work() -> list[Resolved | CredentialError]:
        found = [
            resolve_all(account_with({"secret": reference_of(written)}), sources)
            for written in accounts.values()
        ]
        return list(await asyncio.gather(*found))

    return asyncio.run(work())


def test_a_secret_of_many_accounts_is_fetched_once(sources: SecretSources) -> None:
    shelf = Shelf({"desk": '{"a": "one", "b": "two"}'}, seconds=0.05)
    written = {str(number): f"aws-sm:desk#{'ab'[number % 2]}" for number in range(20)}
    found = at_once(written, fast(on(sources, shelf)))
    assert shelf.reads == ["desk"]
    assert {one.secrets["secret"].reveal() for one in found if isinstance(one, Resolved)} == {
        "one",
        "two",
    }
    assert all(isinstance(one, Resolved) for one in found)


def test_the_next_scan_fetches_again(sources: SecretSources) -> None:
    shelf = Shelf({"desk": PLANTED})
    here = on(sources, shelf)
    assert value_of("aws-sm:desk", here) == value_of("aws-sm:desk", here) == PLANTED
    assert shelf.reads == ["desk", "desk"]


def test_stores_of_two_kinds_are_two(sources: SecretSources) -> None:
    shelf = Shelf({"desk": PLANTED})
    found = resolved({"apiKey": "aws-sm:desk", "secret": "aws-ssm:desk"}, on(sources, shelf))
    assert isinstance(found, Resolved)
    assert shelf.reads == ["desk", "desk"]


def test_secrets_are_fetched_at_the_same_time_and_not_all_at_once(sources: SecretSources) -> None:
    shelf = Shelf({f"s{number}": "x" for number in range(40)}, seconds=0.05)
    written = {name: f"gcp-sm:{name}" for name in shelf.held}
    found = at_once(written, fast(on(sources, shelf)))
    assert all(isinstance(one, Resolved) for one in found)
    assert sorted(shelf.reads) == sorted(shelf.held)
    assert shelf.most == 8


def test_several_secrets_of_one_account_are_fetched_at_the_same_time(
    sources: SecretSources,
) -> None:
    shelf = Shelf({"a": "x", "b": "y", "c": "z"}, seconds=0.2)
    written = {"apiKey": "aws-ssm:a", "secret": "aws-ssm:b", "password": "aws-ssm:c"}
    assert isinstance(resolved(written, on(sources, shelf)), Resolved)
    assert shelf.most == 3


def transient(what: str = "the store is busy", *, unreachable: bool = False) -> StoreError:
    return StoreError(what, transient=True, unreachable=unreachable)


def test_transient_errors_are_tried_again_and_others_are_not(sources: SecretSources) -> None:
    shelf = Shelf({"a": PLANTED}, failures=[transient(), transient()])
    (found,) = at_once({"x": "aws-sm:a"}, fast(on(sources, shelf)))
    assert isinstance(found, Resolved)
    assert len(shelf.reads) == 3

    shelf = Shelf({"a": PLANTED}, failures=[transient()] * 3)
    (found,) = at_once({"x": "aws-sm:a"}, fast(on(sources, shelf)))
    title = "secret: a in AWS Secrets Manager cannot be read:"
    assert str(found) == f"{title} the store is busy"
    assert len(shelf.reads) == 3

    shelf = Shelf({"a": PLANTED}, failures=[StoreError("AWS denied access")])
    (found,) = at_once({"x": "aws-sm:a"}, fast(on(sources, shelf)))
    assert str(found) == f"{title} AWS denied access"
    assert len(shelf.reads) == 1


def test_a_store_that_nobody_reaches_is_left_alone(sources: SecretSources) -> None:
    away = transient("AWS cannot be reached (ConnectTimeoutError)", unreachable=True)
    shelf = Shelf({}, failures=[away] * 1000)
    written = {str(number): f"aws-sm:s{number}" for number in range(100)}
    found = at_once(written, fast(on(sources, shelf)))
    assert all("AWS cannot be reached" in str(one) for one in found)
    assert len(shelf.reads) <= 8 * 3


def test_a_busy_store_is_asked_for_the_others(sources: SecretSources) -> None:
    shelf = Shelf({"b": PLANTED}, failures=[transient()] * 3)
    sources = fast(on(sources, shelf))

    async def work() -> list[Resolved | CredentialError]:
        accounts = [account_with({"secret": reference_of(f"aws-sm:{name}")}) for name in "ab"]
        return [await resolve_all(account, sources) for account in accounts]

    first, second = asyncio.run(work())
    assert "busy" in str(first)
    assert isinstance(second, Resolved)


def test_a_store_that_cannot_be_opened_is_opened_once(sources: SecretSources) -> None:
    opened: list[StoreKind] = []

    def refuse(kind: StoreKind, environ: Mapping[str, str]) -> Store:
        opened.append(kind)
        raise StoreError(f"VAULT_ADDR is not set; {len(environ)}")

    shut = replace(sources, open_store=refuse, environ={})
    found = at_once({str(n): f"vault:a/{n}#x" for n in range(30)}, shut)
    assert {str(one).partition("cannot be read: ")[2] for one in found} == {
        "VAULT_ADDR is not set; 0"
    }
    assert opened == [StoreKind.VAULT]


def test_the_timeout_of_an_account_holds_and_costs_no_other(sources: SecretSources) -> None:
    shelf = Shelf({"desk": PLANTED}, seconds=1.0)
    sources = on(sources, shelf)

    async def work() -> list[Resolved | CredentialError]:
        accounts = [
            account_with({"secret": reference_of("aws-sm:desk")}, timeout) for timeout in (0.2, 20)
        ]
        return list(await asyncio.gather(*[resolve_all(one, sources) for one in accounts]))

    hasty, patient = asyncio.run(work())
    assert str(hasty) == (
        "secret: desk in AWS Secrets Manager did not finish within the account's timeout of 0.2 s"
    )
    assert isinstance(patient, Resolved)
    assert shelf.reads == ["desk"]


def test_a_thread_that_hangs_does_not_hold_up_the_end(sources: SecretSources) -> None:
    began = time.monotonic()
    shelf = Shelf({"desk": PLANTED}, seconds=15.0)
    assert "did not finish" in error_of("aws-sm:desk", on(sources, shelf), timeout=0.2)
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("error", [RuntimeError(PLANTED), KeyError(PLANTED), OSError(PLANTED)])
def test_an_error_that_nobody_foresaw_is_told_by_its_kind(
    sources: SecretSources, error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    shelf = Shelf({}, failures=[error])
    told = error_of("aws-sm:desk", on(sources, shelf))
    assert told.endswith(f"cannot be read: the library for aws-sm failed ({type(error).__name__})")

    def fails(service: str, user: str) -> str | None:
        raise error

    told = error_of("keyring:a/b", replace(sources, keyring=fails))
    assert told == f"secret: the keyring failed ({type(error).__name__})"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("kind", "module", "package"),
    [
        (StoreKind.VAULT, "hvac", "hvac"),
        (StoreKind.AWS_SECRETS_MANAGER, "boto3.session", "boto3"),
        (StoreKind.AWS_PARAMETER_STORE, "boto3.session", "boto3"),
        (StoreKind.GCP_SECRET_MANAGER, "google.cloud.secretmanager", "google-cloud-secret-manager"),
        (StoreKind.AZURE_KEY_VAULT, "azure.keyvault.secrets", "azure-keyvault-secrets"),
    ],
)
def test_a_missing_extra_names_the_command(kind: StoreKind, module: str, package: str) -> None:
    told = without(
        module,
        "from gatepolicy.accounts.account import StoreKind\n"
        "from gatepolicy.collect.stores import StoreError, open_store\n"
        "try:\n"
        f"    open_store(StoreKind({kind.value!r}), {{}})\n"
        "except StoreError as error:\n"
        "    print(error)\n",
    )
    assert told == f"the {package} package is not installed; pip install {package}"


def test_every_reference_is_told_and_no_value(sources: SecretSources, tmp_path: Path) -> None:
    (tmp_path / "okx").write_text(PLANTED)
    (tmp_path / "okx").chmod(0o600)
    lines: list[str] = []
    shelf = Shelf({"trading/okx": f'{{"key": "{PLANTED}"}}', PLANTED: PLANTED})
    telling = replace(
        on(sources, shelf),
        tell=lines.append,
        environ={"OKX_KEY": PLANTED},
        keyring=lambda *_: PLANTED,
    )
    references: dict[str, str] = {
        "apiKey": "env:OKX_KEY",
        "secret": "aws-sm:trading/okx#key",
        "password": f"aws-sm:{PLANTED}",
        "uid": "file:okx",
        "token": "keyring:desk/okx",
        "accountId": "aws-ssm:none#key",
    }
    resolved(references, telling)
    okx = f"{HERE}: okx-mm"
    assert lines == [
        f"{okx}: apiKey: env:OKX_KEY was read",
        f"{okx}: secret: aws-sm:trading/okx#key was read",
        f"{okx}: password: aws-sm:... was read",
        f"{okx}: uid: file:... was read",
        f"{okx}: token: keyring:... was read",
        f"{okx}: accountId: aws-ssm:none#key was not read: none in the AWS parameter"
        " store cannot be read: it does not exist",
    ]


def test_trying_tells_of_every_reference(sources: SecretSources) -> None:
    shelf = Shelf({"a": PLANTED})
    accounts = [
        account_with({"apiKey": reference_of("aws-sm:a"), "secret": reference_of("aws-sm:b")}),
        account_with({"secret": reference_of("env:NONE"), "uid": reference_of("env:NEITHER")}),
    ]
    first, second = try_all(accounts, on(sources, shelf))
    assert first.account is accounts[0]
    assert list(first.errors) == ["secret"]
    assert list(second.errors) == ["secret", "uid"]
    assert PLANTED not in repr((first, second))
    assert sorted(shelf.reads) == ["a", "b"]


def test_what_is_held_is_not_printed() -> None:
    held = Held(PLANTED, "x")
    assert PLANTED not in f"{held} {held!r} {Held.of_fields({'a': PLANTED})!r}"
    assert held.value("") == PLANTED
    with pytest.raises(CredentialError, match="neither JSON"):
        held.value("x")


LETTERS = string.ascii_letters + string.digits
SECRETS = st.text(LETTERS, min_size=24).filter(
    lambda text: (
        any(c.isdigit() for c in text[:-4])
        and any(c.isupper() for c in text)
        and any(c.islower() for c in text)
    )
)


@given(
    SECRETS,
    st.sampled_from([None, ValueError, KeyError, OSError]),
    st.sampled_from(list(StoreKind)),
)
def test_no_text_holds_a_secret_of_any_store(
    secret: str, failing: type[Exception] | None, store: StoreKind
) -> None:
    """Wherever it stands: as what is held, as a name, as a field, or in an error of a library."""
    lines: list[str] = []
    failures: list[Exception] = [] if failing is None else [failing(secret)]
    shelf = Shelf({"a": f'{{"x": "{secret}", "n": ["{secret}"]}}'}, failures=failures)
    sources = replace(
        SecretSources.real("accounts.yaml"),
        environ={"VAULT_TOKEN": secret},
        open_store=lambda *_: shelf,
        tell=lines.append,
    )
    for name, key in (("a", "x"), ("a", "n"), ("a", secret), (secret, "x")):
        account = account_with({"secret": StoreReference(store, name, key)})
        found = asyncio.run(resolve_all(account, sources.for_one_scan()))
        lines += [str(found), repr(found)]
    assert secret not in "\n".join(lines)
