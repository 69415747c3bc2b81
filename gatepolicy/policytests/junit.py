"""Results as JUnit XML, which every CI shows."""

from collections.abc import Sequence
from xml.etree import ElementTree

from gatepolicy.policytests.run import CaseResult
from gatepolicy.policytests.wording import difference
from gatepolicy.reports.clean import clean


def junit(results: Sequence[CaseResult]) -> str:
    """One suite for each file, one test case for each case."""
    root = ElementTree.Element("testsuites", _counts(results))
    for file in dict.fromkeys(result.file for result in results):
        of_file = [result for result in results if result.file == file]
        suite = ElementTree.SubElement(root, "testsuite", {"name": clean(file), **_counts(of_file)})
        for result in of_file:
            _case(suite, result)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, result: CaseResult) -> None:
    place = result.case.subject.location
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {
            "classname": clean(result.file),
            "name": clean(result.case.name),
            "file": clean(place.file),
            "line": str(place.line),
        },
    )
    if not result.passed:
        lines = [clean(line) for line in difference(result)]
        failure = ElementTree.SubElement(case, "failure", {"message": lines[0]})
        failure.text = "\n".join(lines)


def _counts(results: Sequence[CaseResult]) -> dict[str, str]:
    failed = sum(not result.passed for result in results)
    return {"tests": str(len(results)), "failures": str(failed), "errors": "0"}
