"""The parts of the policy schema that come from the vocabulary, the rules and the catalog.

``python -m gatepolicy.policies.schema_words`` writes them into ``schemas/policy.schema.json``;
everything else in that file is written by hand. A test holds the two together.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gatepolicy.exchanges.catalog import load_catalog
from gatepolicy.exchanges.exchange import Exchange, Word
from gatepolicy.model.facts import DESCRIPTION, Access, Capability
from gatepolicy.model.verdicts import Severity
from gatepolicy.policies.policy import ACCEPTABLE
from gatepolicy.resources import schemas_directory
from gatepolicy.rules.catalog import load_rules
from gatepolicy.rules.rule import Rule

Schema = dict[str, Any]

_GROUPS: Mapping[str, str] = {
    "default": "Everything without a more specific entry.",
    "permissions": "All rules about permissions, including withdrawals and transfers.",
    "withdraw": "Whether the key can withdraw. Without any entry: block.",
    "transfer": "Whether the key can transfer.",
    "ip_binding": "All rules about IP allowlists.",
    "key": "All rules about the key itself: age, use, expiry, name, pairs, state.",
    "account": "All rules that attestations answer.",
}


def refresh(schema: Schema, exchanges: Iterable[Exchange], rules: Mapping[str, Rule]) -> Schema:
    """The schema with its generated parts made anew.

    Args:
        schema: The schema as it is; only its ``$defs`` are changed.
        exchanges: The catalog.
        rules: By id.
    """
    catalog = sorted(exchanges, key=lambda exchange: exchange.id)
    generated: Schema = {
        "capability": _enumeration(
            "Capability", "; ".join(f"{c.value}: {DESCRIPTION[c]}" for c in Capability), Capability
        ),
        "level": _enumeration("Severity", "How bad a violation is.", Severity),
        "grade": _enumeration("Grade", "How strong a proof is.", ACCEPTABLE),
        "access": {
            **_enumeration("Access", "The access that a permission may have.", _LIMITS),
        },
        "severity": _severities(rules.values()),
        "on_unknown": _unknowns(rules.values()),
        "exchanges": _strict(
            "Exchanges",
            "Requirements on single exchanges.",
            {exchange.id: _property(exchange) for exchange in catalog},
            minProperties=1,
        ),
        **{f"exchange_{exchange.id}": _exchange(exchange) for exchange in catalog},
    }
    kept = {k: v for k, v in schema["$defs"].items() if not k.startswith("exchange_")}
    return {**schema, "$defs": {**kept, **generated}}


_LIMITS = (Access.READ_ONLY, Access.READ_WRITE)


def _enumeration(title: str, description: str, values: Iterable[str]) -> Schema:
    words = [str(value) for value in values]
    return {
        "title": title,
        "description": description,
        "type": "string",
        "enum": words,
        "examples": words[:1],
    }


def _strict(title: str, description: str, properties: Schema, **more: object) -> Schema:
    first, other = next(iter(properties.items()))
    return {
        "title": title,
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **more,
        "examples": [{first: other["examples"][0]}],
    }


def _reference(target: str, title: str, description: str, example: object) -> Schema:
    return {
        "title": title,
        "description": description,
        "$ref": f"#/$defs/{target}",
        "examples": [example],
    }


def _by_rule(rules: Iterable[Rule], target: str, example: str) -> Schema:
    infos = [rule.info for rule in rules if rule.asks]
    return {
        key: _reference(target, key, description, example)
        for info in infos
        for key, description in (
            (info.name, f"{info.id}: {info.title}."),
            (info.id, f"{info.name}: {info.title}."),
        )
    }


def _severities(rules: Iterable[Rule]) -> Schema:
    return _strict(
        "Severities",
        "Name or id of a rule to the severity of its violations.",
        _by_rule(rules, "level", "low"),
        minProperties=1,
    )


def _unknowns(rules: Iterable[Rule]) -> Schema:
    groups = {
        group: _reference("meaning", group, description, "block")
        for group, description in _GROUPS.items()
    }
    return _strict(
        "Meanings of unknowns",
        "Group, or name or id of a rule, to what an unknown means. The rule counts before its"
        " group, withdraw and transfer before permissions, and all before default.",
        {**groups, **_by_rule(rules, "meaning", "warn")},
        minProperties=1,
    )


def _property(exchange: Exchange) -> Schema:
    example = _exchange(exchange)["examples"][0]
    return _reference(f"exchange_{exchange.id}", exchange.title, f"On {exchange.title}.", example)


def _permissions(exchange: Exchange) -> Schema:
    """The property for the exchange's own words, where it has any."""
    if not exchange.words:
        return {}
    title = f"Permissions on {exchange.title}"
    words = "With the exchange's own permissions."
    return {"permissions": _strict(title, words, {"allow": _allow(exchange)}, minProperties=1)}


def _exchange(exchange: Exchange) -> Schema:
    return _strict(
        exchange.title,
        f"Requirements on {exchange.title}. They replace the same property above.",
        {
            **_permissions(exchange),
            **{
                name: _reference(name, title, f"{title} on {exchange.title}.", example)
                for name, (title, example) in _OVERRIDES.items()
            },
        },
        minProperties=1,
    )


_OVERRIDES: Mapping[str, tuple[str, object]] = {
    "ip_binding": ("IP binding", {"required": True}),
    "key": ("Key", {"max_age": "90d"}),
    "account": ("Account", {"two_factor": {"attested_within": "180d"}}),
    "on_unknown": ("On unknown", {"key": "warn"}),
    "severity": ("Severity", {"key-too-old": "low"}),
    "evidence": ("Evidence", {"accept": ["observed", "refusal", "structural"]}),
}


def _allow(exchange: Exchange) -> Schema:
    words = exchange.words
    listed: Schema = {
        "type": "array",
        "items": {"type": "string", "enum": list(words), "examples": list(words)[:1]},
        "minItems": 1,
        "uniqueItems": True,
        "examples": [list(words)[:1]],
    }
    text = "All permissions that a key may have; every other one is a violation. Replaces the"
    text += " general allow, which is in capabilities."
    if not exchange.splits:
        return {"title": "Allow", "description": text, **listed}
    return {
        "title": "Allow",
        "description": f"{text} A list, or each permission with the access that it may have.",
        **listed,
        "type": ["array", "object"],
        "properties": {word: _word(known) for word, known in words.items()},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _word(word: Word) -> Schema:
    return _reference("access", word.word, _meaning(word), Access.READ_ONLY.value)


def _meaning(word: Word) -> str:
    granted = "; ".join(DESCRIPTION[c] for c in Capability if c in word.grants)
    return f"{word.title}: {granted}." if granted else f"{word.title}."


def as_text(schema: Schema) -> str:
    """The schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def rewrite(file: Path) -> None:
    """Write the generated parts into a schema's file."""
    schema = json.loads(file.read_text(encoding="utf-8"))
    fresh = refresh(schema, load_catalog().values(), load_rules())
    file.write_text(as_text(fresh), encoding="utf-8")


if __name__ == "__main__":  # pragma: no cover
    rewrite(schemas_directory() / "policy.schema.json")
