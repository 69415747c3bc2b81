"""Inventories: what they say, and what is refused with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.accounts.account import (
    EnvReference,
    ExecReference,
    FileReference,
    Inventory,
    KeyringReference,
)
from gatepolicy.accounts.inventory import load_inventory
from gatepolicy.errors import DocumentError

HEAD = "apiVersion: gatepolicy/v1\nkind: Inventory\naccounts:\n"
MINIMAL = "  - {id: okx-mm, exchange: okx, credentials: {apiKey: env:KEY}}\n"


def load(text: str) -> Inventory:
    return load_inventory("accounts.yaml", read=lambda _: text.encode())


def problems(text: str) -> list[str]:
    with pytest.raises(DocumentError) as raised:
        load(text)
    return [str(problem) for problem in raised.value.problems]


def account_with(line: str) -> str:
    account = "  - id: okx-mm\n    exchange: okx\n    credentials: {apiKey: env:KEY}\n"
    return f"{HEAD}{account}    {line}\n"


def test_an_account_with_everything() -> None:
    inventory = load(
        HEAD
        + """\
  - id: okx-mm.1
    exchange: okx
    credentials:
      apiKey: env:OKX_KEY
      secret: file:secrets/okx.pem
      password: keyring:gatepolicy/desk/okx
      uid: {exec: [op, read, "op://trading/okx/uid"]}
    labels: {desk: mm}
    owner: trading@example.com
    base_url: https://api.example.com:8443/
    proxy: http://203.0.113.7:3128
    sandbox: true
    timeout: 2m
"""
    )
    (account,) = inventory.accounts
    assert inventory.file == "accounts.yaml"
    assert account.subject.id == "okx-mm.1"
    assert account.subject.exchange == "okx"
    assert account.subject.labels == {"desk": "mm"}
    assert account.subject.owner == "trading@example.com"
    assert str(account.subject.location) == "accounts.yaml:4:5"
    assert account.credentials == {
        "apiKey": EnvReference("OKX_KEY"),
        "secret": FileReference("secrets/okx.pem"),
        "password": KeyringReference("gatepolicy/desk", "okx"),
        "uid": ExecReference(("op", "read", "op://trading/okx/uid")),
    }
    assert str(account.credential_locations["secret"]) == "accounts.yaml:8:15"
    assert account.base_url == "https://api.example.com:8443"
    assert account.proxy == "http://203.0.113.7:3128"
    assert account.sandbox is True
    assert account.timeout == 120.0


def test_what_is_left_out_has_defaults() -> None:
    (account,) = load(HEAD + MINIMAL).accounts
    assert account.subject.labels == {}
    assert account.subject.owner == ""
    assert account.base_url is None
    assert account.proxy is None
    assert account.sandbox is False
    assert account.timeout == 30.0


def test_an_exchange_that_nobody_knows_is_no_problem_here() -> None:
    (account,) = load(HEAD + MINIMAL.replace("exchange: okx", "exchange: moonex")).accounts
    assert account.subject.exchange == "moonex"


PLAIN = (
    "plaintext credential; write env:NAME, file:PATH, keyring:SERVICE/USER or"
    " {exec: [COMMAND]} instead, and replace the key: anyone who can read this file has it"
)


@pytest.mark.parametrize(
    "secret", ["s3cr3t-of-nobody-1234", "x/y", "s3cr3t:of:nobody", "$ecret", "a%b", " ", "::", ":"]
)
def test_a_secret_in_plain_is_refused_without_being_shown(secret: str) -> None:
    text = HEAD + "  - id: a\n    exchange: okx\n    credentials:\n      secret: " + f'"{secret}"\n'
    assert problems(text) == [f"accounts.yaml:7:15: accounts[0].credentials.secret: {PLAIN}"]


KNOWN = (
    "known kinds: env:NAME, file:PATH, keyring:SERVICE/USER, vault:PATH#FIELD, aws-sm:NAME#FIELD,"
    " aws-ssm:NAME, gcp-sm:NAME#FIELD, azure-kv:NAME#FIELD, systemd:NAME, age:FILE#KEY,"
    " {exec: [COMMAND, ARGUMENT]}"
)
NO_FIELD = "vault: without the field of the secret; write vault:PATH#FIELD"
NO_VAULT = "vault: not a valid name; such as vault:secret/trading/okx#secret"
NO_POINTER = "not a valid JSON pointer; such as file:config.json#/exchange/secret"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("bao:planted/okx", f"unknown kind of reference; did you mean vault:? {KNOWN}"),
        ("ssm:/planted/okx", f"unknown kind of reference; did you mean aws-ssm:? {KNOWN}"),
        ("VAULT:planted/okx#x", f"unknown kind of reference; did you mean vault:? {KNOWN}"),
        (
            "op://trading/okx/secret",
            "unknown kind of reference op:; use its command line: {exec: [COMMAND, ARGUMENT]};"
            f" {KNOWN}",
        ),
        (
            "arn:aws:secretsmanager:x",
            f"unknown kind of reference; did you mean aws-sm:arn:? {KNOWN}",
        ),
        ("vault:", "vault: without what it refers to; write vault:PATH#FIELD"),
        ("vault:planted/okx", NO_FIELD),
        ("vault:planted/okx#", NO_FIELD),
        ("vault:planted#secret", NO_VAULT),
        ("vault:/planted/okx#secret", NO_VAULT),
        ("vault://planted/okx#secret", NO_VAULT),
        ("vault:planted/../sys/x#secret", NO_VAULT),
        ("vault:planted/./x#secret", NO_VAULT),
        ("vault:planted/x?list=true#secret", NO_VAULT),
        ("vault:planted/%2e%2e/x#secret", NO_VAULT),
        ("vault:planted/a b#secret", NO_VAULT),
        ("vault:planted/okx#/a~2", NO_POINTER),
        ("aws-sm:planted okx", "aws-sm: not a valid name; such as aws-sm:trading/okx#secret"),
        ("aws-ssm:planted?", "aws-ssm: not a valid name; such as aws-ssm:/trading/okx/secret"),
        (
            "gcp-sm:projects/planted/secrets/a/b",
            "gcp-sm: not a valid name; such as gcp-sm:projects/trading/secrets/okx#secret",
        ),
        (
            "gcp-sm:projects/planted/locations/x/secrets/a",
            "gcp-sm: not a valid name; such as gcp-sm:projects/trading/secrets/okx#secret",
        ),
        (
            "azure-kv:https://planted.vault.azure.net/secrets/a",
            "azure-kv: not a valid name; such as azure-kv:okx-secret",
        ),
        ("systemd:../planted", "systemd: not a valid name; such as systemd:okx-secret"),
        ("systemd:..", "systemd: not a valid name; such as systemd:okx-secret"),
        ("systemd:planted#x", "systemd: not a valid name; such as systemd:okx-secret"),
        ("age:#planted", "age: not a valid name; such as age:secrets.yaml.age#okx"),
        ("age:planted.age#", "age: without the field of the secret; write age:FILE#KEY"),
        ("file:#/planted", "file: without what it refers to; write file:PATH#/POINTER"),
        ("file:planted.json#/a~2b", NO_POINTER),
        (
            "https://planted.example",
            f"unknown kind of reference; a URL is not a reference; {KNOWN}",
        ),
        ("ENV:PLANTED", f"unknown kind of reference; did you mean env:? {KNOWN}"),
        (" env :PLANTED", f"unknown kind of reference; did you mean env:? {KNOWN}"),
        ("evn:PLANTED", f"unknown kind of reference; did you mean env:? {KNOWN}"),
        ("File:planted", f"unknown kind of reference; did you mean file:? {KNOWN}"),
        ("exec:planted", "exec must be a mapping, not a string; write {exec: [COMMAND, ARGUMENT]}"),
        ("${OKX_API_KEY}", "variables are not expanded in this file; write env:OKX_API_KEY"),
        ("$OKX_API_KEY", "variables are not expanded in this file; write env:OKX_API_KEY"),
        ("%OKX_API_KEY%", "variables are not expanded in this file; write env:OKX_API_KEY"),
        ("$PLANTED0123456789ABCDEF", "variables are not expanded in this file; write env:NAME"),
        (
            "{{ planted }}",
            "variables are not expanded in this file;"
            " write env:NAME, or {exec: [COMMAND, ARGUMENT]}",
        ),
        ("env:", "env: without what it refers to; write env:NAME"),
        ("file:", "file: without what it refers to; write file:PATH"),
        ("keyring:planted", "keyring: without what it refers to; write keyring:SERVICE/USER"),
        ("keyring:planted/", "keyring: without what it refers to; write keyring:SERVICE/USER"),
    ],
)
def test_a_mistyped_reference_is_no_leaked_credential(written: str, told: str) -> None:
    text = f'{HEAD}  - id: a\n    exchange: okx\n    credentials:\n      secret: "{written}"\n'
    (problem,) = problems(text)
    assert problem == f"accounts.yaml:7:15: accounts[0].credentials.secret: {told}"
    assert "planted" not in problem.lower()


PLANTED = "planted-s3cr3t"


@pytest.mark.parametrize(
    "credentials",
    [
        f"{{{PLANTED}: env:KEY}}",
        f"{{secret: {{{PLANTED}: x}}}}",
        f"{{secret: {{exec: [x], {PLANTED}: x}}}}",
        f"{{secret: env:{PLANTED}}}",
        f"{{secret: exec:{PLANTED}}}",
        f"{{secret: [{PLANTED}]}}",
        f"{{{PLANTED}: env:KEY, {PLANTED}: env:KEY}}",
        f"{{{PLANTED}.x: env:KEY}}",
        f"{{secret: *{PLANTED}}}",
        f"{{secret: !{PLANTED} x}}",
        f"[{PLANTED}]",
        PLANTED,
    ],
)
def test_no_secret_in_a_wrong_place_is_shown(credentials: str) -> None:
    told = problems(f"{HEAD}  - {{id: a, exchange: okx, credentials: {credentials}}}\n")
    assert told
    for problem in told:
        assert PLANTED not in problem
        assert problem.startswith("accounts.yaml:4:")


@pytest.mark.parametrize("accounts", ["[x]", "x", "[{credentials: x}]", "[{credentials: {a: 1}}]"])
def test_problems_of_another_shape_are_told_as_well(accounts: str) -> None:
    assert problems(f"apiVersion: gatepolicy/v1\nkind: Inventory\naccounts: {accounts}\n")


@pytest.mark.parametrize("proxy", ["http://203.0.113.7:3128", "http://127.0.0.1:3128"])
def test_http_through_a_proxy_is_refused(proxy: str) -> None:
    text = account_with(f"base_url: http://127.0.0.1:8080\n    proxy: {proxy}")
    assert problems(text) == [
        "accounts.yaml:8:12: accounts[0].proxy: http through a proxy would expose the key to the"
        " proxy; write https in base_url, or remove the proxy"
    ]
    (account,) = load(text.replace("http://127.0.0.1:8080", "https://127.0.0.1:8443")).accounts
    assert account.proxy == proxy


@given(st.text(min_size=1).filter(lambda text: ":" not in text and text.isprintable()))
def test_no_secret_in_plain_is_ever_shown(secret: str) -> None:
    planted = f"planted-{secret}-planted"
    quoted = "'" + planted.replace("'", "''") + "'"
    text = (
        f"{HEAD}  - {{id: a, exchange: okx, credentials: {{secret: {quoted}, nonsense: {quoted}}}}}"
    )
    told = "\n".join(problems(text))
    assert "planted" not in told
    assert "plaintext credential" in told


def test_every_problem_is_told_at_once() -> None:
    text = (
        HEAD
        + """\
  - id: a
    exchange: okx
    credentials: {apiKey: env:KEY, secrte: env:SECRET}
    colour: red
  - id: a
    credentials: {}
"""
    )
    assert problems(text) == [
        "accounts.yaml:6:36: accounts[0].credentials: unknown key; did you mean secret?",
        "accounts.yaml:7:5: accounts[0].colour: unknown key; one of audited_by, base_url,"
        " credentials, discover, egress, exchange, id, key …",
        "accounts.yaml:8:5: accounts[1]: exchange is missing; add it",
        "accounts.yaml:9:18: accounts[1].credentials: empty or too short;"
        ' for example {"apiKey": "env:OKX_API_KEY", "secret": "env:OKX_API_SECRET",'
        ' "password": "file:okx-passphrase"}',
    ]


def test_an_id_stands_once() -> None:
    assert problems(HEAD + MINIMAL + MINIMAL) == [
        "accounts.yaml:5:10: accounts[1].id: duplicate id, first used by accounts.yaml:4:10; rename one"  # noqa: E501
    ]


def test_an_inventory_without_accounts_is_refused() -> None:
    (problem,) = problems("apiVersion: gatepolicy/v1\nkind: Inventory\naccounts: []\n")
    assert problem.startswith("accounts.yaml:3:11: accounts: empty or too short")


@pytest.mark.parametrize("name", ["MY-KEY", "1KEY", "A B", "É"])
def test_names_of_variables(name: str) -> None:
    text = HEAD + MINIMAL.replace("env:KEY", f'"env:{name}"')
    assert problems(text) == [
        "accounts.yaml:4:55: accounts[0].credentials.apiKey: not a valid name of an environment variable;"  # noqa: E501
        " such as env:OKX_API_KEY"
    ]


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com",
        "https://api.example.com:8443/",
        "http://127.0.0.1:8080",
        "http://127.9.9.9",
        "http://[::1]:8080",
        "http://localhost:1",
    ],
)
def test_base_urls(url: str) -> None:
    (account,) = load(account_with(f'base_url: "{url}"')).accounts
    assert account.base_url == url.rstrip("/")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("base_url: http://api.example.com", "http to another machine would expose the key"),
        ("base_url: http://127.0.0.1.example.com", "http to another machine would expose the key"),
        ("base_url: http://203.0.113.7:80", "http to another machine would expose the key"),
        ("base_url: https://api.example.com/v5", "not a URL with scheme, host and port"),
        ("base_url: https://api.example.com?x=1", "not a URL with scheme, host and port"),
        ('base_url: "https://api.example.com#x"', "not a URL with scheme, host and port"),
        ("base_url: https://me@api.example.com", "not a URL with scheme, host and port"),
        ("base_url: https://", "not a URL with scheme, host and port"),
        ('base_url: "https://api.example.com:x"', "not a URL with scheme, host and port"),
        ('base_url: "https://api.example.com:0"', "not a URL with scheme, host and port"),
        ('base_url: "https://[::1"', "not a URL with scheme, host and port"),
        ('base_url: "http://[::1]x"', "not a URL with scheme, host and port"),
        ('base_url: "https://e vil"', "not a URL with scheme, host and port"),
        ('base_url: "https://api.example.com\\n"', "not a URL with scheme, host and port"),
        (
            'base_url: "https://api.example.com\\u3002evil.example"',
            "not a URL with scheme, host and port",
        ),
        ('base_url: "https://a..example.com"', "not a URL with scheme, host and port"),
        (f"base_url: https://{'a' * 64}.example.com", "not a URL with scheme, host and port"),
        ('proxy: "http://[::1]x"', "not a URL with scheme, host and port"),
        ('proxy: "http://pro xy:3128"', "not a URL with scheme, host and port"),
        ("base_url: ftp://api.example.com", "does not match the expected pattern"),
        ("proxy: http://me:word@203.0.113.7:3128", "plaintext credentials of a proxy"),
        ("proxy: http://203.0.113.7:3128/path", "not a URL with scheme, host and port"),
        ("timeout: 0s", "must be more than 0 and at most ten minutes"),
        ("timeout: 11m", "must be more than 0 and at most ten minutes"),
        ("timeout: 30", "expected a string, found a number"),
        ("timeout: 30h", "does not match the expected pattern"),
        ("labels: {desk: 1}", "expected a string, found a number"),
        ("sandbox: yes", "expected a boolean, found a string"),
        ("id: okx-mm", "duplicate key"),
    ],
)
def test_what_is_refused(line: str, what: str) -> None:
    (problem,) = problems(account_with(line))
    assert problem.startswith("accounts.yaml:7:")
    assert what in problem
    assert "word" not in problem


@pytest.mark.parametrize(
    ("timeout", "seconds"), [("0.3s", 0.3), ("45s", 45.0), ("1.5m", 90.0), ("10m", 600.0)]
)
def test_timeouts(timeout: str, seconds: float) -> None:
    (account,) = load(account_with(f"timeout: {timeout}")).accounts
    assert account.timeout == seconds


def test_another_kind_is_refused() -> None:
    (problem,) = problems("apiVersion: gatepolicy/v1\nkind: Policy\n")
    assert problem.startswith("accounts.yaml:2:7: this is kind Policy") or "Inventory" in problem


AUDITOR = """\
  - id: auditor
    exchange: gate
    credentials: {apiKey: env:KEY, secret: env:SECRET}
    discover: true
"""


def test_an_audited_account_needs_no_credentials() -> None:
    text = (
        HEAD + AUDITOR + "  - {id: bot, exchange: gate, key: 6d61726b*****, audited_by: auditor}\n"
    )
    auditor, bot = load(text).accounts
    assert auditor.discover
    assert not bot.discover
    assert (bot.credentials, bot.key, bot.audited_by) == ({}, "6d61726b*****", "auditor")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "{id: bot, exchange: gate}",
            "accounts.yaml:8:5: accounts[1]: no credentials and no auditor;"
            " add credentials, or key and audited_by",
        ),
        (
            "{id: bot, exchange: gate, credentials: {apiKey: env:KEY}, key: 6d61726b*}",
            "accounts.yaml:8:68: accounts[1].key: a key without an auditor;"
            " add audited_by, or use credentials instead of key",
        ),
        (
            "{id: bot, exchange: gate, audited_by: auditor}",
            "accounts.yaml:8:5: accounts[1]: an audited account needs its key;"
            " add key: its public key id, or what the exchange shows of it",
        ),
        (
            "{id: bot, exchange: gate, key: 6d61726b*, audited_by: nobody}",
            "accounts.yaml:8:59: accounts[1].audited_by: unknown account id;"
            " use the id of an account that lists keys",
        ),
        (
            "{id: bot, exchange: gate, key: 6d61726b*, audited_by: bot}",
            "accounts.yaml:8:59: accounts[1].audited_by: this account is itself audited;"
            " use an account with credentials",
        ),
        (
            "{id: bot, exchange: okx, key: 6d61726b*, audited_by: auditor}",
            "accounts.yaml:8:58: accounts[1].audited_by: this account is on gate; name one on okx",
        ),
    ],
)
def test_an_auditor_must_be_one(entry: str, problem: str) -> None:
    assert problem in problems(HEAD + AUDITOR + f"  - {entry}\n")


def test_egress_is_networks_and_neighbours_become_one() -> None:
    (account,) = load(account_with("egress: [203.0.113.10, 203.0.113.11, '2001:db8::1']")).accounts
    assert [str(network) for network in account.egress] == ["203.0.113.10/31", "2001:db8::1/128"]
    (account,) = load(HEAD + MINIMAL).accounts
    assert account.egress == ()


def test_egress_that_is_no_network_is_told_with_its_place() -> None:
    assert problems(account_with("egress: [203.0.113.10, 203.0.113.9/28, office]")) == [
        "accounts.yaml:7:28: accounts[0].egress[1]: host bits are set;"
        " write 203.0.113.0/28 or 203.0.113.9/32",
        "accounts.yaml:7:44: accounts[0].egress[2]: not a valid network in CIDR notation;"
        " write it like 203.0.113.0/28",
    ]
