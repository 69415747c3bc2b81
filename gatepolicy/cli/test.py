"""``gatepolicy test``: test policies on synthetic keys."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from gatepolicy.cli import options, settings
from gatepolicy.cli.given import TestOptions, typed
from gatepolicy.cli.output import destination, refuse_overwriting
from gatepolicy.documents.load import Read, is_folder
from gatepolicy.errors import DocumentError, Problem, UsageError
from gatepolicy.model.scan import ExitCode
from gatepolicy.policies.policy import Policy
from gatepolicy.policytests.case import PolicyTest
from gatepolicy.policytests.junit import junit
from gatepolicy.policytests.load import load_policy_test
from gatepolicy.policytests.run import CaseResult, Coverage, coverage_of, run_tests
from gatepolicy.policytests.wording import difference
from gatepolicy.reports.clean import clean
from gatepolicy.reports.write import Destination, Report, write_reports
from gatepolicy.rules.catalog import load_rules
from gatepolicy.scanning.workspace import input_files, load_exchanges

_PATTERN = "*.test.yaml"


@click.command("test")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("-k", "name", default="", metavar="TEXT", help="Only cases whose name contains this.")
@click.option("--junit", "junit_file", metavar="FILE", help="Write the results as JUnit XML too.")
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Fail if fewer clauses were tested both ways.",
)
@options.untrusted
@click.option(
    "-v", "--verbose", is_flag=True, help="List cases that pass, and clauses that were not tested."
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing if all is as expected.")
@typed(TestOptions)
def command(given: TestOptions) -> ExitCode:
    """Test policies on synthetic keys.

    PATH is a file, or a folder that is searched for *.test.yaml files. [default: .]
    """
    tests = _load(_files(given.paths or ["."]), settings.reader(given))
    place = _junit_place(tests, given)
    exchanges = load_exchanges(case.subject.exchange for test in tests for case in test.cases)
    every = run_tests(tests, exchanges, load_rules(exchanges.values()))
    results = [result for result in every if given.name in result.case.name]
    if not results:
        raise UsageError(
            f"no case has {given.name} in its name", hint="a run without tests is not a pass"
        )
    coverage = coverage_of(results, _policies(tests))
    if place is not None:
        write_reports([Report([junit(results)], place, is_private=False)])
    is_short = given.min_coverage is not None and coverage.percent < given.min_coverage
    failed = sum(not result.passed for result in results)
    if failed or is_short or not given.quiet:
        for line in _told(results, coverage, verbose=given.verbose or is_short):
            click.echo(clean(line))
    return ExitCode.VIOLATION if failed or is_short else ExitCode.OK


def _junit_place(tests: Sequence[PolicyTest], given: TestOptions) -> Destination | None:
    """Where the results go, which is no place of a file that was read."""
    file: str | None = given.junit_file
    if file is None:
        return None
    place = destination(file, settings.output_folder(given, "junit_file"), f"--junit {file}")
    read = [*(test.file for test in tests), *input_files(_policies(tests))]
    refuse_overwriting(file, f"--junit {file}", read)
    return place


def _files(paths: Sequence[str]) -> Iterator[str]:
    found = False
    for path in paths:
        if not is_folder(path):
            found = True
            yield path
            continue
        for file in sorted(Path(path).rglob(_PATTERN)):
            found = True
            yield str(file)
    if not found:
        raise UsageError(
            f"no tests in {', '.join(paths)}", hint=f"give file names, or name them {_PATTERN}"
        )


def _load(files: Iterator[str], read: Read) -> list[PolicyTest]:
    tests: list[PolicyTest] = []
    problems: list[Problem] = []
    for file in files:
        try:
            tests.append(load_policy_test(file, names=settings.names(), read=read))
        except DocumentError as error:
            problems.extend(error.problems)
    if problems:
        raise DocumentError(list(dict.fromkeys(problems)))
    return tests


def _policies(tests: Sequence[PolicyTest]) -> list[Policy]:
    return list({policy.name: policy for test in tests for policy in test.policies}.values())


def _told(results: Sequence[CaseResult], coverage: Coverage, *, verbose: bool) -> Iterator[str]:
    for result in results:
        if verbose or not result.passed:
            mark = "ok  " if result.passed else "FAIL"
            yield f"{mark}  {result.case.subject.location}  {result.case.name}"
        for line in difference(result):
            yield f"      {line}"
    if verbose:
        for clause, why in coverage.missing.items():
            yield f"      {clause.place}: {clause.policy} {clause.rule}: {why}"
    failed = sum(not result.passed for result in results)
    rules = {clause.rule for clause in coverage.covered}
    total = len(coverage.covered) + len(coverage.missing)
    yield f"{len(results) - failed:,} of {len(results):,} cases as expected"
    yield (
        f"{len(coverage.covered):,} of {total:,} clauses tested both ways"
        f" ({coverage.percent:.0f}%), {len(rules):,} rules"
    )
