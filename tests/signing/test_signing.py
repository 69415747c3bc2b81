"""Signing, signing off and verifying, by the real commands; and what is refused."""

import base64
import json
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from gatepolicy.cli.main import main
from gatepolicy.reports.json_report import render_json
from gatepolicy.resources import catalog_directory
from gatepolicy.signing.envelope import sign
from gatepolicy.signing.keys import load_private_key
from tests.reports.example_scan import example_scan

ENVELOPE = "report.intoto.jsonl"
VERIFY = ("verify", ENVELOPE, "--key", "signing.pub.pem")
SIGN_OFF = ("sign-off", ENVELOPE, "--key", "jane.pem", "--signed-by", "signing.pub.pem")
BY_JANE = ("--reviewer", "Jane Doe", "--decision")


class Office:
    """A folder with a report and two key pairs."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = self._capsys.readouterr()
        return int(str(ended.value.code)), out, err

    def done(self, *arguments: str) -> str:
        code, out, err = self.run(*arguments)
        assert code == 0, err
        return out

    def refused(self, *arguments: str) -> str:
        """What is said about a thing that does not hold; nothing is printed as if it held."""
        code, out, err = self.run(*arguments)
        assert (code, out) == (1, "")
        return err.splitlines()[0].removeprefix("error: ")

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.text(ENVELOPE).splitlines()]

    def put(self, *envelopes: object) -> None:
        self.write(ENVELOPE, "".join(f"{json.dumps(one)}\n" for one in envelopes))

    def key(self, name: str) -> Ed25519PrivateKey:
        return load_private_key(str(self.folder / f"{name}.pem"), None)


@pytest.fixture
def office(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Office:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEPOLICY_KEY_PASSPHRASE", raising=False)
    made = Office(tmp_path, capsys)
    made.write("report.json", "".join(render_json(example_scan())))
    made.write("evidence.json", '{"kind": "Evidence"}\n')
    made.done("keygen", "signing.pem")
    made.done("keygen", "jane.pem")
    return made


@pytest.fixture
def signed(office: Office) -> Office:
    """With an envelope."""
    office.done("sign", "report.json", "--key", "signing.pem", "--evidence", "evidence.json")
    return office


def payload(envelope: Any) -> Any:
    return json.loads(base64.b64decode(envelope["payload"]))


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def test_keys_are_for_their_owner_and_never_overwritten(office: Office) -> None:
    mode = stat.S_IMODE((office.folder / "signing.pem").stat().st_mode)
    assert mode == 0o600
    assert office.text("signing.pem").startswith("-----BEGIN PRIVATE KEY-----")
    assert office.text("signing.pub.pem").startswith("-----BEGIN PUBLIC KEY-----")
    code, _, err = office.run("keygen", "signing.pem")
    assert (code, "already exists: signing.pem, signing.pub.pem" in err) == (2, True)
    for name in ("signing", "x.pub.pem"):
        assert office.run("keygen", name)[0] == 2


def test_a_key_is_encrypted_with_the_passphrase(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEPOLICY_KEY_PASSPHRASE", "correct horse")
    office.done("keygen", "locked.pem")
    assert "BEGIN ENCRYPTED PRIVATE KEY" in office.text("locked.pem")
    office.done("sign", "report.json", "--key", "locked.pem")
    assert (
        "is not encrypted" in office.run("sign", "report.json", "--key", "jane.pem", "--force")[2]
    )
    for wrong, expected in (("other", "the passphrase is wrong"), ("", "is encrypted")):
        monkeypatch.setenv("GATEPOLICY_KEY_PASSPHRASE", wrong)
        code, out, err = office.run("sign", "report.json", "--key", "locked.pem", "--force")
        assert (code, expected in err) == (2, True)
        assert "horse" not in out + err


def test_what_is_signed(signed: Office) -> None:
    (envelope,) = signed.lines()
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    statement = payload(envelope)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://gatepolicy.invalid/verdict/v1"
    catalog = subprocess.run(
        "sha256sum *.yaml | sha256sum",
        shell=True,
        cwd=catalog_directory(),
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {one["name"]: one["digest"]["sha256"] for one in statement["subject"]} == {
        "report/report.json": digest((signed.folder / "report.json").read_bytes()),
        "evidence/evidence.json": digest(b'{"kind": "Evidence"}\n'),
        "policy/baseline": "ab" * 32,
        "policy/options-desk": "cd" * 32,
        "policy/firm": "ef" * 32,
        "catalog": catalog.stdout.split()[0],
    }
    predicate = statement["predicate"]
    assert predicate["exitCode"] == 1
    assert predicate["coverage"]["total"] == 5
    assert predicate["violations"]["critical"] == 2
    assert predicate["startedAt"] == "2026-11-23T16:00:00Z"
    assert predicate["signedAt"] > "2026-11-23"


def test_it_verifies(signed: Office) -> None:
    told = signed.done(*VERIFY)
    assert "verified    report/report.json  sha256" in told
    assert "exit code   1: at least one violation" in told
    assert "accounts    5, 0 of them unread" in told
    assert "policy      baseline  not found" in told
    assert "catalog     unchanged" in told
    assert "sign-off    none" in told
    both = signed.done("verify", ENVELOPE, "--key", "jane.pub.pem", "--key", "signing.pub.pem")
    assert both == told


def test_openssl_alone_verifies_it(signed: Office) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    (envelope,) = signed.lines()
    kind, body = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    (signed.folder / "sig.bin").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    verify = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "signing.pub.pem", "-rawin"]
    ends = []
    for content in (body, body.replace(b'"exitCode":1', b'"exitCode":0')):
        pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(content), content)
        (signed.folder / "pae.bin").write_bytes(pae)
        ended = subprocess.run(
            [*verify, "-in", "pae.bin", "-sigfile", "sig.bin"],
            cwd=signed.folder,
            capture_output=True,
            check=False,
        )
        ends.append(ended.returncode)
    assert ends == [0, 1]


def test_a_sign_off_is_shown(signed: Office) -> None:
    signed.done(*SIGN_OFF, *BY_JANE, "accepted with conditions", "--comment", "GP001 by Friday")
    assert len(signed.lines()) == 2
    unverified = signed.done(*VERIFY)
    assert "sign-off    1 not verified: name --reviewer-key PUB.pem" in unverified
    assert "Jane" not in unverified
    told = signed.done(*VERIFY, "--reviewer-key", "jane.pub.pem", "--accepted")
    assert "sign-off    accepted with conditions by Jane Doe, 20" in told
    assert told.endswith("Z: GP001 by Friday\n")
    signed.done(*SIGN_OFF, *BY_JANE, "rejected", "--comment", "not fixed")
    rejected = (*VERIFY, "--reviewer-key", "jane.pub.pem")
    assert "sign-off    rejected by Jane Doe" in signed.done(*rejected)
    assert signed.refused(*rejected, "--accepted") == (
        f"{ENVELOPE}: rejected by Jane Doe: not fixed"
    )


def test_a_sign_off_by_the_same_key_is_no_second_person(signed: Office) -> None:
    own = ("sign-off", ENVELOPE, "--key", "signing.pem", "--signed-by", "signing.pub.pem")
    signed.done(*own, *BY_JANE, "accepted")
    told = signed.done(*VERIFY, "--reviewer-key", "signing.pub.pem")
    assert "by the key that signed the report: no second person" in told


def test_the_sign_off_holds_the_statement(signed: Office) -> None:
    signed.done(*SIGN_OFF, *BY_JANE, "accepted")
    first, second = signed.lines()
    statement = payload(second)
    assert statement["predicateType"] == "https://gatepolicy.invalid/sign-off/v1"
    *subjects, last = statement["subject"]
    assert subjects == payload(first)["subject"]
    assert last == {
        "name": "statement",
        "digest": {"sha256": digest(base64.b64decode(first["payload"]))},
    }
    assert statement["predicate"]["decision"] == "accepted"
    assert (statement["predicate"]["reviewer"], statement["predicate"]["comment"]) == (
        "Jane Doe",
        "",
    )


def test_accepted_needs_a_verified_sign_off(signed: Office) -> None:
    assert signed.refused(*VERIFY, "--accepted").endswith("no sign-off was verified")
    signed.done(*SIGN_OFF, *BY_JANE, "accepted")
    assert signed.refused(*VERIFY, "--accepted").endswith("no sign-off was verified")
    assert "accepted by Jane" in signed.done(
        *VERIFY, "--accepted", "--reviewer-key", "jane.pub.pem"
    )


def test_a_sign_off_of_somebody_else_is_refused(signed: Office) -> None:
    signed.done(*SIGN_OFF, *BY_JANE, "accepted")
    told = signed.refused(*VERIFY, "--reviewer-key", "signing.pub.pem")
    assert told.startswith(f"{ENVELOPE}: a sign-off was signed with another key (")


def test_a_sign_off_does_not_move_to_another_statement(signed: Office) -> None:
    signed.done(*SIGN_OFF, *BY_JANE, "accepted")
    _, sign_off = signed.lines()
    signed.done("sign", "report.json", "--key", "signing.pem", "--force")
    (other,) = signed.lines()
    signed.put(other, sign_off)
    told = signed.refused(*VERIFY, "--reviewer-key", "jane.pub.pem")
    assert told == "a sign-off is about another report, or another statement about it"


def test_a_sign_off_is_not_the_first_statement(signed: Office) -> None:
    signed.done(*SIGN_OFF, *BY_JANE, "accepted")
    first, second = signed.lines()
    signed.put(second)
    told = signed.refused("verify", ENVELOPE, "--key", "jane.pub.pem")
    assert told == "what was signed is no https://gatepolicy.invalid/verdict/v1"
    signed.put(first, first)
    told = signed.refused(*VERIFY, "--reviewer-key", "signing.pub.pem")
    assert told == "what was signed is no https://gatepolicy.invalid/sign-off/v1"


@pytest.mark.parametrize(
    "arguments",
    [
        (*BY_JANE, "rejected"),
        (*BY_JANE, "accepted with conditions", "--comment", " "),
        ("--reviewer", " ", "--decision", "accepted"),
    ],
)
def test_a_decision_needs_its_reason_and_its_name(
    signed: Office, arguments: tuple[str, ...]
) -> None:
    assert signed.run(*SIGN_OFF, *arguments)[0] == 2
    assert len(signed.lines()) == 1


def test_nobody_signs_off_what_does_not_hold(signed: Office) -> None:
    signed.write(
        "report.json", signed.text("report.json").replace('"exit_code": 1', '"exit_code": 0')
    )
    told = signed.refused(*SIGN_OFF, *BY_JANE, "accepted")
    assert told == "report.json is not the report that was signed"
    assert len(signed.lines()) == 1


@pytest.mark.parametrize("name", ["report.json", "evidence.json"])
def test_a_changed_file_is_refused(signed: Office, name: str) -> None:
    signed.write(name, f"{signed.text(name)} ")
    kind = name.removesuffix(".json")
    assert signed.refused(*VERIFY) == f"{name} is not the {kind} that was signed"
    (signed.folder / name).unlink()
    code, _, err = signed.run(*VERIFY)
    assert (code, f"{name}:1:1: the file cannot be read" in err) == (2, True)


def test_files_may_lie_elsewhere(signed: Office) -> None:
    (signed.folder / "in").mkdir()
    for name in ("report.json", "evidence.json"):
        (signed.folder / name).rename(signed.folder / "in" / name)
    assert signed.run(*VERIFY)[0] == 2
    found = ("--report", "in/report.json", "--evidence", "in/evidence.json")
    assert "verified" in signed.done(*VERIFY, *found)


def test_a_report_about_several_files_of_evidence(office: Office) -> None:
    for name in ("a/one.json", "two.json", "b/one.json"):
        (office.folder / name).parent.mkdir(exist_ok=True)
        office.write(name, f'{{"kind": "Evidence", "of": "{name}"}}\n')
    files = ("--evidence", "a/one.json", "--evidence", "two.json")
    office.done("sign", "report.json", "--key", "signing.pem", *files)
    assert office.run(*VERIFY)[0] == 2
    assert "verified" in office.done(*VERIFY, *files)
    # What is not named lies beside the envelope.
    assert "verified" in office.done(*VERIFY, "--evidence", "a/one.json")
    wrong = ("--evidence", "b/one.json")
    assert office.refused(*VERIFY, *wrong) == "b/one.json is not the evidence that was signed"
    both = ("sign", "report.json", "--key", "signing.pem", "--force", *files, *wrong)
    code, _, err = office.run(*both)
    assert (code, "--evidence: two files are named one.json" in err) == (2, True)


def test_another_key_is_refused(signed: Office) -> None:
    told = signed.refused("verify", ENVELOPE, "--key", "jane.pub.pem")
    assert told.startswith(f"{ENVELOPE}: the report was signed with another key (")


def changed_payload(envelope: Any) -> None:
    statement = payload(envelope)
    statement["predicate"]["exitCode"] = 0
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()


def changed_signature(envelope: Any) -> None:
    data = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
    data[0] ^= 1
    envelope["signatures"][0]["sig"] = base64.b64encode(data).decode()


def short_signature(envelope: Any) -> None:
    envelope["signatures"][0]["sig"] = "AAAA"


def other_key_id(envelope: Any) -> None:
    envelope["signatures"][0]["keyid"] = "0" * 64


def other_type(envelope: Any) -> None:
    envelope["payloadType"] = "application/json"


def no_type(envelope: Any) -> None:
    del envelope["payloadType"]


def more_members(envelope: Any) -> None:
    envelope["note"] = "accepted"


def no_signature(envelope: Any) -> None:
    envelope["signatures"] = []


def two_signatures(envelope: Any) -> None:
    envelope["signatures"] *= 2


def odd_signature(envelope: Any) -> None:
    envelope["signatures"][0]["alg"] = "none"


def odd_key_id(envelope: Any) -> None:
    envelope["signatures"][0]["keyid"] = 1


def odd_base64(envelope: Any) -> None:
    envelope["payload"] += "\n"


def no_base64(envelope: Any) -> None:
    envelope["payload"] = None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (changed_payload, "the signature of the report does not hold: the file was changed"),
        (changed_signature, "the signature of the report does not hold: the file was changed"),
        (short_signature, "the signature of the report does not hold: the file was changed"),
        (other_key_id, "the report was signed with another key (0000000000000000…)"),
        (other_type, "the type of the payload is not application/vnd.in-toto+json"),
        (no_type, "not a DSSE envelope with payload, payloadType, signatures"),
        (more_members, "not a DSSE envelope with payload, payloadType, signatures"),
        (no_signature, "there must be one signature"),
        (two_signatures, "there must be one signature"),
        (odd_signature, "a signature has keyid and sig"),
        (odd_key_id, "the id of the key is no text"),
        (odd_base64, "not Base64"),
        (no_base64, "not Base64"),
    ],
)
def test_a_changed_envelope_is_refused(
    signed: Office, change: Callable[[Any], None], expected: str
) -> None:
    (envelope,) = signed.lines()
    change(envelope)
    signed.put(envelope)
    assert signed.refused(*VERIFY).endswith(expected)


@pytest.mark.parametrize(("text", "code"), [("", 1), ("\n", 1), ("[]\n", 1), ("{", 2)])
def test_what_is_no_envelope_is_refused(signed: Office, text: str, code: int) -> None:
    signed.write(ENVELOPE, text)
    assert signed.run(*VERIFY)[0] == code


def forged(signed: Office, change: Callable[[Any], None]) -> None:
    """An envelope with a statement that gatepolicy would not write, signed with the right key."""
    (envelope,) = signed.lines()
    statement = payload(envelope)
    change(statement)
    signed.put(sign(json.dumps(statement).encode(), signed.key("signing")).envelope)


def set_(path: str, value: object) -> Callable[[Any], None]:
    def change(statement: Any) -> None:
        *steps, last = path.split(".")
        for step in steps:
            statement = statement[int(step) if step.isdecimal() else step]
        statement[int(last) if last.isdecimal() else last] = value

    return change


OTHER = "the statement says something else than the report that it is about"
OWN = "the statement is not one that gatepolicy writes"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (set_("_type", "https://in-toto.io/Statement/v0.1"), "no https://in-toto.io/Statement/v1"),
        (set_("predicateType", "https://slsa.dev/provenance/v1"), "gatepolicy.invalid/verdict/v1"),
        (set_("predicate", None), "the statement has no predicate"),
        (set_("predicate.exitCode", 0), OTHER),
        (set_("predicate.counts", {}), OTHER),
        (set_("predicate.softenedBy", ["--exit-zero"]), OTHER),
        (set_("predicate.exitCode", 77), OWN),
        (set_("predicate.signedAt", "yesterday"), OWN),
        (set_("predicate.signedAt", None), OWN),
        (set_("predicate.signedAt", "2999-01-01T00:00:00Z"), "signed or collected in the future"),
        (set_("subject", []), "no report was signed"),
        (set_("subject.0.name", 1), "a subject without a name or a SHA-256"),
        (set_("subject.0.digest", {"sha1": "00"}), "a subject without a name or a SHA-256"),
        (set_("subject.1.name", "report/report.json"), "names a subject twice"),
        (set_("subject.2.digest.sha256", "00"), OTHER),
    ],
)
def test_a_statement_that_says_something_else_is_refused(
    signed: Office, change: Callable[[Any], None], expected: str
) -> None:
    forged(signed, change)
    assert expected in signed.refused(*VERIFY)


def test_a_name_in_a_statement_leads_to_no_other_folder(signed: Office) -> None:
    (signed.folder / "in").mkdir()
    (signed.folder / ENVELOPE).rename(signed.folder / "in" / ENVELOPE)
    text = signed.text(f"in/{ENVELOPE}")
    signed.write(ENVELOPE, text)
    forged(signed, set_("subject.0.name", "report/../report.json"))
    (signed.folder / ENVELOPE).rename(signed.folder / "in" / ENVELOPE)
    code, _, err = signed.run("verify", f"in/{ENVELOPE}", "--key", "signing.pub.pem")
    assert (code, "in/report.json:1:1: the file cannot be read" in err) == (2, True)


@pytest.mark.parametrize(
    "change", [set_("predicate.decision", "perhaps"), set_("predicate.signedAt", "now")]
)
def test_a_sign_off_that_says_something_else_is_refused(
    signed: Office, change: Callable[[Any], None]
) -> None:
    signed.done(*SIGN_OFF, *BY_JANE, "accepted")
    first, second = signed.lines()
    statement = payload(second)
    change(statement)
    signed.put(first, sign(json.dumps(statement).encode(), signed.key("jane")).envelope)
    told = signed.refused(*VERIFY, "--reviewer-key", "jane.pub.pem")
    assert told == "a sign-off is not one that gatepolicy writes"


def test_what_is_too_old_is_refused(office: Office) -> None:
    began = datetime.now(UTC) - timedelta(days=3)
    scan = replace(example_scan(), started_at=began, finished_at=began)
    office.write("report.json", "".join(render_json(scan)))
    office.done("sign", "report.json", "--key", "signing.pem")
    assert "collected" in office.done(*VERIFY, "--max-age", "4d")
    told = office.refused(*VERIFY, "--max-age", "2d")
    assert told == "what was signed was collected 3.0 days ago; --max-age is 2 days"


def test_what_has_changed_since_is_told_and_can_be_refused(office: Office) -> None:
    scan = example_scan()
    policies = [
        replace(one, file=f"{one.name}.yaml", digest=digest(one.name.encode()), extends=())
        for one in scan.policies
    ]
    for one in policies:
        office.write(one.file, one.name)
    office.write("report.json", "".join(render_json(replace(scan, policies=policies))))
    office.done("sign", "report.json", "--key", "signing.pem")
    assert "policy      baseline  unchanged" in office.done(*VERIFY, "--unchanged")
    office.write("baseline.yaml", "looser")
    assert "policy      baseline  changed since" in office.done(*VERIFY)
    assert office.refused(*VERIFY, "--unchanged") == "policy/baseline: changed since"


def test_two_policies_of_one_name_are_both_signed(office: Office) -> None:
    scan = example_scan()
    twice = [replace(one, name="desk", extends=()) for one in scan.policies]
    office.write("report.json", "".join(render_json(replace(scan, policies=twice))))
    office.done("sign", "report.json", "--key", "signing.pem")
    names = [one["name"] for one in payload(office.lines()[0])["subject"]]
    assert names[1:3] == ["policy/desk", f"policy/desk@{'cd' * 6}"]
    office.done(*VERIFY)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("sign", "report.json", "--key", "signing.pub.pem"), "others can read the private key"),
        (("sign", "report.json", "--key", "no.pem"), "cannot read the key no.pem: No such file"),
        (("sign", "report.json", "--key", "rsa.pem"), "rsa.pem is no Ed25519 key"),
        (("sign", "report.json", "--key", "text.pem"), "text.pem is no private key in PEM"),
        (("sign", "no.json", "--key", "signing.pem"), "no.json:1:1: the file cannot be read"),
        (("sign", "text.pem", "--key", "signing.pem"), "text.pem:1:1: not JSON"),
        (("sign", "report.json", "--key", "signing.pem", "-o", "signing.pem"), "already exists"),
        (
            ("sign", "report.json", "--key", "signing.pem", "-o", "signing.pem", "--force"),
            "would overwrite signing.pem",
        ),
        (("sign", "other.json", "--key", "signing.pem"), "was written by gatepolicy 9.9.9"),
    ],
)
def test_what_cannot_be_signed(office: Office, arguments: tuple[str, ...], expected: str) -> None:
    rsa = generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    office.write("rsa.pem", rsa.decode())
    office.write("text.pem", "no key")
    report = json.loads(office.text("report.json"))
    report["tool"]["version"] = "9.9.9"
    office.write("other.json", json.dumps(report))
    for name in ("rsa.pem", "text.pem"):
        (office.folder / name).chmod(0o600)
    (office.folder / "signing.pub.pem").chmod(0o644)
    code, _, err = office.run(*arguments)
    assert (code, expected in err) == (2, True), err
    assert not (office.folder / ENVELOPE).exists()


@pytest.mark.parametrize(("key", "expected"), [("signing.pem", "no public key in PEM"), ("x", "x")])
def test_a_public_key_is_needed_to_verify(signed: Office, key: str, expected: str) -> None:
    code, _, err = signed.run("verify", ENVELOPE, "--key", key)
    assert (code, expected in err) == (2, True)


MISSING = """
import sys
sys.modules["securesystemslib"] = None
from gatepolicy.cli.main import main
main(["verify", "x", "--key", "y"])
"""


def test_a_library_that_is_missing_is_named(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", MISSING], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "error: signatures need securesystemslib, which is not installed",
        "hint: pip install 'securesystemslib[crypto]'",
    ]


PAGE = ("report", "report.json", "--sign-off", ENVELOPE, "-o", "html=page.html")
JANE = ("--reviewer-key", "jane.pub.pem")
HOLDER = ("--key", "signing.pub.pem")
HOSTILE = "</script><img src=x onerror=alert(1)>{{7*7}}<!--\u202e" + "x" * 3000


def shown(office: Office) -> str:
    """The section of the page, as text without elements."""
    html = office.text("page.html")
    section = html[html.index('<section id="sign-off"') : html.index("</main>")]
    return " ".join(re.sub(r"<[^>]*>", " ", section).split())


def test_the_page_shows_a_verified_sign_off(signed: Office) -> None:
    signed.done(*SIGN_OFF, *BY_JANE, "accepted with conditions", "--comment", "GP001 by Friday")
    _, sign_off = signed.lines()
    signed.done(*PAGE, *HOLDER, *JANE)
    text = shown(signed)
    key = sign_off["signatures"][0]["keyid"]
    said = payload(sign_off)["predicate"]
    assert (
        f"! accepted with conditions by Jane Doe {said['signedAt']} Comment: GP001 by Friday"
        f" Signature: ✓ verified with jane.pub.pem key {key}"
    ) in text
    assert "✓ verified with signing.pub.pem" in text
    assert digest(signed.text("report.json").encode()) in text
    assert "not verified" not in text
    assert "no second person" not in text


@pytest.mark.parametrize("keys", [(), JANE, HOLDER])
def test_what_nobody_verified_is_never_shown_as_verified(
    signed: Office, keys: tuple[str, ...]
) -> None:
    signed.done(*SIGN_OFF, *BY_JANE, "accepted")
    signed.done(*PAGE, *keys)
    html = signed.text("page.html")
    head = html[: html.index('<section id="posture"')]
    assert '<dt>Sign-off</dt><dd class="unsure">not verified</dd>' in head
    text = shown(signed)
    assert "Anyone could have written what is marked" in text
    assert ("✓ accepted by Jane Doe" in text) is (keys == JANE)
    assert ("? not verified: “accepted” by Jane Doe" in text) is (keys != JANE)
    assert text.count("✓ verified with") == len(keys) // 2


def test_the_last_decision_is_in_the_first_screen(signed: Office) -> None:
    for decision, style in (("accepted", "fine"), ("rejected", "bad")):
        signed.done(*SIGN_OFF, *BY_JANE, decision, "--comment", "as of today")
        signed.done(*PAGE, *HOLDER, *JANE)
        told = f'<dt>Sign-off</dt><dd class="{style}">{decision}</dd>'
        assert told in signed.text("page.html")
    signed.done(*SIGN_OFF, *BY_JANE, "accepted with conditions", "--comment", "x")
    signed.done(*PAGE, *HOLDER, *JANE)
    assert '<dd class="unsure">accepted with conditions</dd>' in signed.text("page.html")


def test_what_a_sign_off_says_is_text(signed: Office) -> None:
    hostile = ("--reviewer", HOSTILE, "--decision", "accepted", "--comment", HOSTILE)
    signed.done(*SIGN_OFF, *hostile)
    for keys in ((), (*HOLDER, *JANE)):
        signed.done(*PAGE, *keys)
        html = signed.text("page.html")
        assert "<img" not in html
        assert html.count("</script>") == 2
        assert "\u202e" not in html
        assert html.count("{{7*7}}") == 2


def test_the_page_says_that_no_second_person_signed(signed: Office) -> None:
    own = ("sign-off", ENVELOPE, "--key", "signing.pem", "--signed-by", "signing.pub.pem")
    signed.done(*own, *BY_JANE, "accepted")
    signed.done(*PAGE, *HOLDER, "--reviewer-key", "signing.pub.pem")
    assert "By the key that signed the report: no second person" in shown(signed)


@pytest.mark.parametrize("keys", [(), (*HOLDER, *JANE)])
def test_no_page_shows_a_sign_off_of_another_report(signed: Office, keys: tuple[str, ...]) -> None:
    signed.done(*SIGN_OFF, *BY_JANE, "accepted")
    first, sign_off = signed.lines()
    signed.write("other.json", signed.text("report.json") + "\n")
    told = signed.refused("report", "other.json", *PAGE[2:], *keys)
    assert told == f"{ENVELOPE} is about another report than other.json"
    signed.done("sign", "report.json", "--key", "signing.pem", "--force")
    (other,) = signed.lines()
    signed.put(other, sign_off)
    told = signed.refused(*PAGE, *keys)
    assert told == "a sign-off is about another report, or another statement about it"
    signed.put(first)
    assert signed.refused(*PAGE, *keys) == f"{ENVELOPE}: nobody has signed it off"
    assert not (signed.folder / "page.html").exists()


def unsigned(office: Office, change: Callable[[Any], None]) -> None:
    """A sign-off under a statement that somebody has changed, and nobody has signed again."""
    office.done(*SIGN_OFF, *BY_JANE, "accepted")
    first, sign_off = office.lines()
    statement, decision = payload(first), payload(sign_off)
    change(statement)
    body = json.dumps(statement).encode()
    first["payload"] = base64.b64encode(body).decode()
    decision["subject"] = [
        *statement["subject"],
        {"name": "statement", "digest": {"sha256": digest(body)}},
    ]
    sign_off["payload"] = base64.b64encode(json.dumps(decision).encode()).decode()
    office.put(first, sign_off)


def no_report(statement: Any) -> None:
    statement["subject"] = [one for one in statement["subject"] if "report" not in one["name"]]


def better_exit_code(statement: Any) -> None:
    statement["predicate"]["exitCode"] = 0


def tomorrow(statement: Any) -> None:
    statement["predicate"]["signedAt"] = "2999-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (no_report, "is about another report than report.json"),
        (better_exit_code, "the statement says something else than the report"),
        (tomorrow, "it was signed or collected in the future"),
    ],
)
def test_what_does_not_fit_is_refused_without_any_key_too(
    signed: Office, change: Callable[[Any], None], expected: str
) -> None:
    unsigned(signed, change)
    assert expected in signed.refused(*PAGE)


def test_with_keys_the_page_refuses_what_verify_refuses(signed: Office) -> None:
    signed.done(*SIGN_OFF, *BY_JANE, "accepted")
    told = signed.refused(*PAGE, "--key", "jane.pub.pem")
    assert told.startswith(f"{ENVELOPE}: the report was signed with another key (")
    told = signed.refused(*PAGE, "--reviewer-key", "signing.pub.pem")
    assert told.startswith(f"{ENVELOPE}: a sign-off was signed with another key (")
    first, sign_off = signed.lines()
    changed_signature(sign_off)
    signed.put(first, sign_off)
    told = signed.refused(*PAGE, *HOLDER, *JANE)
    assert told == f"{ENVELOPE}: the signature of a sign-off does not hold: the file was changed"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("report", "report.json", *JANE), "--key and --reviewer-key verify sign-offs"),
        (("report", "report.json", *HOLDER), "--key and --reviewer-key verify sign-offs"),
        (PAGE[:4], "--sign-off: only the HTML page shows sign-offs"),
        ((*PAGE[:5], f"html={ENVELOPE}"), f"would overwrite {ENVELOPE}"),
        ((*PAGE[:5], "html=jane.pub.pem", *JANE), "would overwrite jane.pub.pem"),
        (("report", "report.json", "--sign-off", "x", *PAGE[4:]), "x:1:1: the file cannot be read"),
        ((*PAGE, "--key", "jane.pem"), "jane.pem is no public key in PEM"),
    ],
)
def test_how_sign_offs_are_named(signed: Office, arguments: tuple[str, ...], expected: str) -> None:
    code, out, err = signed.run(*arguments)
    assert (code, out, expected in err) == (2, "", True), err
