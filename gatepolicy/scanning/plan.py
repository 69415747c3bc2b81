"""Planning: which policy asks what about which account, and which requests that takes. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from hashlib import sha256

from gatepolicy.accounts.account import Misfit, misfit_of_glob, misfit_of_label
from gatepolicy.errors import UsageError
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.evidence import Location, Subject
from gatepolicy.model.facts import HINT, Reason
from gatepolicy.model.scan import NOT_NARROWED, Narrowing, PolicyInfo
from gatepolicy.model.verdicts import OnUnknown, Outcome, RuleInfo, Verdict, WaiverLimits
from gatepolicy.policies.compile import applies, compile_policy
from gatepolicy.policies.policy import Control, Policy
from gatepolicy.rules.catalog import named_rule, rule_hint
from gatepolicy.rules.rule import Rule


@dataclass(frozen=True, slots=True)
class Selection:
    """What the command line narrows a scan to. Empty means everything."""

    accounts: Sequence[str] = ()
    """Globs over account ids."""
    labels: Mapping[str, str] | None = None
    """Labels that an account must carry."""
    rules: Sequence[str] = ()
    """Globs over rule ids and names that are asked."""
    skip_rules: Sequence[str] = ()
    """Globs over rule ids and names that are not asked."""

    @property
    def options(self) -> Sequence[str]:
        """What narrows, as it stands on the command line; empty when nothing does."""
        given = {
            "account": self.accounts,
            "label": [f"{key}={value}" for key, value in (self.labels or {}).items()],
            "rule": self.rules,
            "skip-rule": self.skip_rules,
        }
        return tuple(f"--{name} {text}" for name, texts in given.items() for text in texts)

    def takes_account(self, subject: Subject) -> bool:
        """Whether an account is selected."""
        wanted = self.labels or {}
        return (not self.accounts or _any_glob(self.accounts, subject.declared_id)) and all(
            subject.labels.get(key) == value for key, value in wanted.items()
        )

    def takes_rule(self, rule_id: str, name: str) -> bool:
        """Whether a rule is selected."""
        wanted = not self.rules or _any_glob(self.rules, rule_id, name)
        return wanted and not _any_glob(self.skip_rules, rule_id, name)


def scope_of(inventory: str, *narrowed: Sequence[str]) -> str:
    """A name for what is scanned: another inventory or another selection has another one.

    Code scanning closes the alerts of a scope that a later upload does not hold. A scan that was
    narrowed must not close the alerts of everything that it left out.

    Args:
        inventory: Its name.
        narrowed: The values of each option that narrows.
    """
    if not any(narrowed):
        return inventory
    digest = sha256(json.dumps([list(values) for values in narrowed]).encode()).hexdigest()
    return f"{inventory}-{digest[:8]}"


def _any_glob(globs: Sequence[str], *texts: str) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs for text in texts)


@dataclass(frozen=True, slots=True)
class PlannedAccount:
    """What is asked about one account."""

    subject: Subject
    """The account."""
    controls: tuple[Control, ...]
    """What policies ask; empty when none applies or every rule is deselected."""
    given: tuple[Verdict, ...]
    """Verdicts that need no facts, such as that no policy applies."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Every question of a scan."""

    accounts: Sequence[PlannedAccount]
    """One per selected account, in the order of the inventory."""
    policies: Sequence[PolicyInfo]
    """Every policy, with how many accounts of the whole inventory it covers."""
    rules: Sequence[RuleInfo]
    """Every rule of the catalog."""
    general: tuple[Verdict, ...]
    """Verdicts about the scan itself."""
    limits: Mapping[str, WaiverLimits] = field(default_factory=dict)
    """Name of a policy, to what may be waived of its findings."""
    narrowing: Narrowing = NOT_NARROWED
    """What is left out."""

    def account_found(self, found: Subject) -> PlannedAccount:
        """What is asked about a key that an account lists: the same as about the account."""
        master = next(q for q in self.accounts if q.subject.id == found.found_by)
        return replace(master, subject=found)


def make_plan(
    subjects: Sequence[Subject],
    policies: Sequence[Policy],
    exchanges: Mapping[str, Exchange],
    rules: Mapping[str, Rule],
    selection: Selection,
    *,
    is_whole: bool = True,
) -> Plan:
    """Match accounts with policies.

    Args:
        subjects: Every account of the inventory, also those that are not selected.
        policies: Every policy of the scan.
        exchanges: Those of the catalog that the inventory names. An account of any other
            exchange is asked the same questions; all answers will be unknown.
        rules: The rules, by id.
        selection: What the command line asked for.
        is_whole: Whether there are no others; a policy may well cover accounts that are not here.

    Raises:
        UsageError: A selector matches nothing at all: surely a slip, never a clean scan.
    """
    _refuse_selectors_without_match(selection, subjects, rules)
    compiled = _Compiled(exchanges, rules, selection)
    selected = [subject for subject in subjects if selection.takes_account(subject)]
    uncovered = named_rule(rules, "account-without-policy")
    planned = [_planned(subject, policies, compiled, uncovered) for subject in selected]
    infos = [_policy_info(policy, subjects) for policy in policies]
    return Plan(
        accounts=planned,
        policies=infos,
        rules=[rule.info for rule in rules.values()],
        general=tuple(_all_uncovering(policies, infos, subjects, rules)) if is_whole else (),
        limits={policy.name: policy.waivers for policy in policies},
        narrowing=_narrowing(selection, len(planned), len(subjects), compiled.left_out),
    )


def _narrowing(
    selection: Selection, checked: int, accounts: int, left_out: Iterable[str]
) -> Narrowing:
    return Narrowing(
        options=selection.options,
        accounts=accounts - checked,
        of_accounts=accounts,
        rules=tuple(left_out),
    )


def _all_uncovering(
    policies: Sequence[Policy],
    infos: Sequence[PolicyInfo],
    subjects: Sequence[Subject],
    rules: Mapping[str, Rule],
) -> Iterator[Verdict]:
    rule = named_rule(rules, "policy-without-accounts")
    for policy, info in zip(policies, infos, strict=True):
        if not info.accounts:
            yield _uncovering(policy, rule)
            continue
        for glob in policy.applies_to.accounts:
            misfit = misfit_of_glob(glob, subjects)
            if misfit is not None:
                yield _part_of_it(policy, rule, glob, misfit)


def _part_of_it(policy: Policy, rule: RuleInfo, glob: str, misfit: Misfit) -> Verdict:
    """A part of a policy's choice that fits no account: the one that was meant is not covered."""
    return _not_covered(
        rule,
        subject=f"{policy.name}: {glob}",
        expected="every entry of applies_to.accounts matches an account",
        seen=f"{misfit.what}; {misfit.fix}",
        policy=policy.name,
        location=policy.applies_to.places.get("accounts", policy.location),
    )


def _uncovering(policy: Policy, rule: RuleInfo) -> Verdict:
    return _not_covered(
        rule,
        subject=policy.name,
        expected="the policy applies to at least one account",
        seen="it applies to none",
        policy=policy.name,
        location=policy.location,
    )


def _refuse_selectors_without_match(
    selection: Selection, subjects: Sequence[Subject], rules: Mapping[str, Rule]
) -> None:
    refuse_unmatched(selection, subjects)
    for glob in (*selection.rules, *selection.skip_rules):
        if not any(_any_glob([glob], rule.info.id, rule.info.name) for rule in rules.values()):
            hint = rule_hint(rules, glob)
            raise UsageError(f"no rule id or name matches {glob}", hint=hint)


def refuse_unmatched(selection: Selection, subjects: Sequence[Subject]) -> None:
    """Refuse a choice of accounts of which a part fits none.

    Raises:
        UsageError: Surely a slip, never a clean scan.
    """
    for glob in selection.accounts:
        misfit = misfit_of_glob(glob, subjects)
        if misfit is not None:
            raise UsageError(f"--account {glob}: {misfit.what}", hint=misfit.fix)
    for key, value in (selection.labels or {}).items():
        misfit = misfit_of_label(key, value, subjects)
        if misfit is not None:
            raise UsageError(f"--label {key}={value}: {misfit.what}", hint=misfit.fix)


class _Compiled:
    """Controls per policy and exchange, compiled once however many accounts there are."""

    def __init__(
        self, exchanges: Mapping[str, Exchange], rules: Mapping[str, Rule], selection: Selection
    ) -> None:
        self._exchanges = exchanges
        self._rules = rules
        self._selection = selection
        self._controls: dict[tuple[str, ...], tuple[Control, ...]] = {}
        self.left_out: dict[str, None] = {}
        """Names of rules that were asked, if they were selected, in their order."""

    def controls(self, policies: Sequence[Policy], exchange: str) -> tuple[Control, ...]:
        key = (exchange, *(policy.name for policy in policies))
        if key not in self._controls:
            self._controls[key] = tuple(
                control
                for policy in policies
                for control in compile_policy(
                    policy, exchange, self._exchanges.get(exchange), self._rules
                )
                if self._takes(control)
            )
        return self._controls[key]

    def _takes(self, control: Control) -> bool:
        is_taken = self._selection.takes_rule(control.rule, control.name)
        if not is_taken:
            self.left_out[control.name] = None
        return is_taken


def _planned(
    subject: Subject, policies: Sequence[Policy], compiled: _Compiled, uncovered: RuleInfo
) -> PlannedAccount:
    applying = [policy for policy in policies if applies(policy, subject)]
    if applying:
        return PlannedAccount(subject, compiled.controls(applying, subject.exchange), ())
    verdict = _not_covered(
        uncovered,
        subject="",
        expected="at least one policy applies to the account",
        seen="none applies",
        policy="",
        location=subject.location,
    )
    return PlannedAccount(subject, (), (verdict,))


def _not_covered(
    rule: RuleInfo, *, subject: str, expected: str, seen: str, policy: str, location: Location
) -> Verdict:
    return Verdict(
        rule=rule.id,
        name=rule.name,
        outcome=Outcome.UNKNOWN,
        severity=rule.severity,
        subject=subject,
        expected=expected,
        seen=seen,
        reason=Reason.NOT_COVERED,
        needed=HINT[Reason.NOT_COVERED],
        on_unknown=OnUnknown.INCOMPLETE,
        policy=policy,
        location=location,
    )


def _policy_info(policy: Policy, subjects: Iterable[Subject]) -> PolicyInfo:
    return PolicyInfo(
        name=policy.name,
        title=policy.title,
        file=policy.location.file,
        digest=policy.digest,
        accounts=sum(applies(policy, subject) for subject in subjects if not subject.found_by),
        extends=policy.extends,
        overrides=policy.overrides,
    )
