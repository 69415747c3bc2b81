"""Commands that look something up: explain, exchanges, schema, and the help."""

import json
from typing import Any

import pytest

from gatepolicy.cli.main import COMMANDS
from gatepolicy.cli.schema import KINDS
from gatepolicy.exchanges.catalog import known_exchanges, load_exchange
from gatepolicy.model.facts import FACTS
from gatepolicy.rules.catalog import load_rules


def test_the_help_lists_every_command_with_its_line(run: Any) -> None:
    ended = run("--help")
    assert ended.code == 0
    for name, line in COMMANDS.items():
        assert f"  {name} " in ended.out
        assert line in ended.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_that_begins_like_its_line(run: Any, command: str) -> None:
    ended = run(command, "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: gatepolicy {command}")
    first = COMMANDS[command].rstrip(".").split(":")[0].split(",")[0].split(";")[0]
    assert first in " ".join(ended.out.split())


def test_the_version(run: Any) -> None:
    from gatepolicy import __version__

    assert run("--version").out == f"gatepolicy {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [("scna",), ("--no-such-option",), ("scan", "--jobs", "many"), ("schema", "poem"), ("schema",)],
)
def test_a_slip_on_the_command_line_ends_with_2(run: Any, arguments: tuple[str, ...]) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert "Error:" in ended.err
    assert "Traceback" not in ended.err


def test_explain_lists_every_rule_within_80_columns(run: Any) -> None:
    ended = run("explain")
    assert ended.code == 0
    assert all(rule in ended.out for rule in load_rules())
    assert max(len(line) for line in ended.out.splitlines()) < 80


@pytest.mark.parametrize("rule", ["GP010", "gp010", "ip-unbound", "IP-Unbound"])
def test_explain_takes_an_id_or_a_name(run: Any, rule: str) -> None:
    ended = run("explain", rule)
    assert ended.code == 0
    assert ended.out.startswith("GP010 ip-unbound (high)\n")
    assert "API Management" not in ended.out


def test_explain_tells_the_fix_on_an_exchange(run: Any) -> None:
    ended = run("explain", "ip-unbound", "--exchange", "gate")
    assert "Fix on Gate" in ended.out
    assert "Bind IP" in ended.out


def test_explain_tells_the_fix_on_an_exchange_outside_the_catalog(run: Any) -> None:
    ended = run("explain", "GP010", "--exchange", "bitmart")
    assert ended.code == 0
    told = " ".join(ended.out.split())
    assert "Fix on BitMart Profile icon → API Management: enter the addresses of" in told
    assert "ip.restricted: only listed addresses may use the key not disclosed: " in told
    assert "gatepolicy does not support it" in told
    other = run("explain", "GP010", "--exchange", "poloniex")
    assert "Fix on poloniex\n  Edit the key, turn its IP allowlist on" in other.out


def test_a_misspelt_exchange_is_told_with_the_nearest(run: Any) -> None:
    assert "did you mean bitmart?" in run("explain", "GP010", "--exchange", "bitmat").err
    assert "did you mean kraken?" in run("explain", "GP010", "--exchange", "krakn").err
    assert "did you mean kraken?" in run("exchanges", "krakn").err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("explain", "GP999"), "error: unknown rule GP999"),
        (("explain", "GP001", "--exchange", "moonex"), "error: unknown exchange moonex"),
        (("exchanges", "moonex"), "error: unknown exchange moonex"),
    ],
)
def test_what_is_not_there_is_told_with_a_hint(
    run: Any, arguments: tuple[str, ...], error: str
) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert ended.err.startswith(error)
    assert "\nhint: " in ended.err
    assert ended.out == ""


def test_exchanges_lists_every_exchange_within_80_columns(run: Any) -> None:
    ended = run("exchanges")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(known_exchanges())]] == list(
        known_exchanges()
    )
    assert max(len(line) for line in lines) < 80
    gate = next(line for line in lines if line.startswith("gate"))
    assert gate.split() == ["gate", "inferred", "yes", "yes", "yes", "yes", "-", "yes"]


def test_exchanges_tells_which_address_a_credential_is(run: Any) -> None:
    said = " ".join(run("exchanges", "hyperliquid").out.split())
    assert "walletAddress is the address that the bot signs with: the agent's" in said


@pytest.mark.parametrize("exchange", known_exchanges())
def test_exchanges_shows_every_fact_of_one(run: Any, exchange: str) -> None:
    ended = run("exchanges", exchange)
    assert ended.code == 0
    assert all(f"\n{fact} " in ended.out for fact in FACTS)
    words = load_exchange(exchange).permissions.words.values()
    assert all(f"\n  {word.word} (" in ended.out for word in words)
    wrapped = [line for line in ended.out.splitlines() if "https://" not in line]
    assert max(len(line) for line in wrapped) < 80


@pytest.mark.parametrize("kind", KINDS)
def test_schema_prints_the_schema(run: Any, kind: str) -> None:
    ended = run("schema", kind)
    assert ended.code == 0
    assert json.loads(ended.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
