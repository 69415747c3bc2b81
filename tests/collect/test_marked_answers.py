"""Taking credentials out of an answer proves nothing that the answer itself does not prove."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepolicy.collect.redact import Privacy
from gatepolicy.exchanges.answers import Answer
from gatepolicy.exchanges.catalog import load_exchange
from gatepolicy.exchanges.normalise import normalise
from gatepolicy.model.facts import Access, Facts, FactValue, Grade, Grant
from gatepolicy.model.secret import Secret

UNKNOWN = Access.UNKNOWN
DOCUMENTED = sorted(
    (Path(__file__).parent.parent / "exchanges" / "documented").glob("*_documented_example.yaml")
)


def words_of(value: Any) -> Iterator[str]:
    """Everything that an answer could have in common with a passphrase."""
    match value:
        case dict():
            for name, inner in value.items():
                yield name
                yield from words_of(inner)
        case list():
            for inner in value:
                yield from words_of(inner)
        case str() | int() if not isinstance(value, bool) and value != "":
            yield str(value)
        case _:
            pass


def facts_of(case: Any, passphrase: str | None) -> Facts:
    privacy = Privacy({"password": Secret(passphrase)} if passphrase else {})
    answers = {
        call: privacy.answer(Answer(answer["status"], answer["body"].encode()))
        for call, answer in case["answers"].items()
    }
    return privacy.facts(normalise(load_exchange(case["exchange"]), answers, case["api_key"]))


@pytest.mark.parametrize("path", DOCUMENTED, ids=lambda path: path.stem)
def test_a_passphrase_that_is_a_word_of_the_answer_proves_nothing(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    whole = facts_of(case, None)
    assert whole.known
    bodies = [json.loads(answer["body"]) for answer in case["answers"].values()]
    for word in sorted({word for body in bodies for word in words_of(body)}):
        marked = facts_of(case, word)
        for name, fact in marked.known.items():
            # What is only apparent passes no rule: where one place is marked, another may show it.
            if fact.provenance.grade not in (Grade.STRUCTURAL, Grade.APPARENT):
                assert name in whole.known, (word, name)
                assert says_no_more(fact.value, whole.known[name].value), (word, name)


def says_no_more(marked: FactValue, whole: FactValue) -> bool:
    """Whether two values are the same, but for words of which the marked one is not sure."""
    if not isinstance(marked, tuple) or not isinstance(whole, tuple):
        return marked == whole
    doubted = {one.word for one in marked if isinstance(one, Grant) and one.access is UNKNOWN}
    sure = [one for one in marked if not isinstance(one, Grant) or one.word not in doubted]
    return sure == [one for one in whole if not isinstance(one, Grant) or one.word not in doubted]
