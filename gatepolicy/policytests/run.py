"""Running tests of policies. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gatepolicy.evaluate.evaluate import evaluate
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.verdicts import Outcome, Verdict
from gatepolicy.policies.compile import applies, compile_policy
from gatepolicy.policies.policy import Policy
from gatepolicy.policytests.case import Case, Expectation, PolicyTest
from gatepolicy.rules.rule import Rule

_FINDINGS = (Outcome.FAIL, Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What a case came to."""

    file: str
    """The file of the case."""
    case: Case
    """What was tried."""
    verdicts: Sequence[Verdict]
    """Everything that the policies say."""
    unexpected: Sequence[Verdict]
    """Findings that the case does not expect."""
    unmet: Sequence[Expectation]
    """Expectations that no finding meets."""

    @property
    def passed(self) -> bool:
        """Whether all is as expected. Where no policy asks anything, nothing is."""
        return bool(self.verdicts) and not self.unexpected and not self.unmet


def run_tests(
    tests: Sequence[PolicyTest], exchanges: Mapping[str, Exchange], rules: Mapping[str, Rule]
) -> Iterator[CaseResult]:
    """The result of every case, in the order of the files.

    Args:
        tests: What to try.
        exchanges: Those of the catalog that the cases name.
        rules: By id.
    """
    for test in tests:
        for case in test.cases:
            applying = [policy for policy in test.policies if applies(policy, case.subject)]
            controls = [
                control
                for policy in applying
                for control in compile_policy(
                    policy, case.subject.exchange, exchanges.get(case.subject.exchange), rules
                )
            ]
            yield _result(test.file, case, evaluate(controls, case.facts, test.now, case.subject))


def _result(file: str, case: Case, verdicts: Sequence[Verdict]) -> CaseResult:
    found = [verdict for verdict in verdicts if verdict.outcome in _FINDINGS]
    return CaseResult(
        file=file,
        case=case,
        verdicts=verdicts,
        unexpected=[v for v in found if not any(e.meets(v) for e in case.expected)],
        unmet=[e for e in case.expected if not any(e.meets(v) for v in found)],
    )


@dataclass(frozen=True, slots=True)
class Clause:
    """A line of a policy that asks under a rule."""

    policy: str
    """Name of the policy under test."""
    rule: str
    """Name of the rule."""
    place: str
    """The line that asks."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which lines of the policies were tried both ways."""

    covered: Sequence[Clause]
    """Some case saw it pass, and some case saw it find something."""
    missing: Mapping[Clause, str]
    """To what no case saw of it."""

    @property
    def percent(self) -> float:
        """Of all clauses; 0 where there are none."""
        total = len(self.covered) + len(self.missing)
        return 100 * len(self.covered) / total if total else 0.0


def coverage_of(results: Sequence[CaseResult], policies: Sequence[Policy]) -> Coverage:
    """Which clauses were tried.

    Args:
        results: Of all cases.
        policies: All that are under test; one that no case is about is missing as a whole.
    """
    passed, found = set[Clause](), set[Clause]()
    for result in results:
        for verdict in result.verdicts:
            clause = Clause(verdict.policy, verdict.name, str(verdict.location))
            (found if verdict.outcome in _FINDINGS else passed).add(clause)
    tried = {clause.policy for clause in passed | found}
    missing = dict.fromkeys(passed - found, "no case tests that it fails")
    missing |= dict.fromkeys(found - passed, "no case tests that it passes")
    missing |= {
        Clause(policy.name, "", str(policy.location)): "no case tests this policy"
        for policy in policies
        if policy.name not in tried
    }
    return Coverage(
        _sorted(passed & found), {clause: missing[clause] for clause in _sorted(missing)}
    )


def _sorted(clauses: Mapping[Clause, str] | set[Clause]) -> list[Clause]:
    return sorted(clauses, key=lambda clause: (clause.policy, clause.rule, clause.place))
