"""What holds for all tests."""

import os
import signal
import sys
import threading
from collections.abc import Generator, Iterable
from zlib import crc32

import pytest
from hypothesis import settings

# A busy machine is no fault of the code.
settings.register_profile("gatepolicy", deadline=None)
settings.load_profile("gatepolicy")

MEASURED_CASES = 5
MANY_ALIKE = {
    "test_docs",
    "test_documented_over_http",
    "test_edge_traps",
    "test_habits",
    "test_init",
    "test_never_disclosed",
    "test_pages",
    "test_profiles",
    "test_provable",
    "test_schemes",
    "test_shipped_files",
    "test_signer",
    "test_simulated_exchanges",
    "test_state",
    "test_two_validators",
    "test_words",
}
"""Files of tests that try the same on each exchange, answer, schema or file."""
NOT_MEASURED = {
    "test_a_text_of_400_000_characters_is_wrapped_in_a_moment",
    "test_action",
    "test_commands",
    "test_fuzz",
    "test_habits",
    "test_left_out_results",
    "test_marked_answers",
    "test_no_more_results_than_code_scanning_takes",
    "test_other_systems",
    "test_outputs",
    "test_repeated_credentials",
    "test_resumed_scans",
    "test_runs_on",
    "test_schedule",
    "test_secret_stores",
    "test_silence",
    "test_simulator_command",
    "test_steps",
    "test_untrusted",
    "test_workflow",
}
"""Files of tests, and tests, that take long, and run lines which others run, too."""
SWEEPS = {
    "test_a_documented_answer_is_understood",
    "test_a_passing_fault_is_overcome",
    "test_an_account_with_all_credentials_is_sound",
    "test_faults_are_reasons_and_never_proofs",
    "test_the_class_is_the_same_and_the_others_stay_away",
    "test_a_good_key_passes_and_only_with_an_attestation_where_one_is_needed",
    "test_no_damage_to_an_answer_turns_an_absence_into_a_proof_of_more",
    "test_no_single_change_passes_without_proof",
    "test_on_every_exchange",
    "test_what_is_disclosed_still_fails_whatever_is_attested",
    "test_what_is_not_verifiable_is_decided_by_no_facts",
    "test_whatever_an_exchange_sends_becomes_facts_or_reasons",
    "test_where_nobody_can_ask",
}
"""Laws that are tried on every exchange, each try for seconds."""
TRIED_CASES = 5
"""One of so many exchanges is tried in each run without ``--thorough``."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="try every law on every exchange")


def pytest_configure() -> None:
    """Hear Ctrl-C and a closed terminal, as a user's shell would have it.

    Tests that run in the background, or below nohup, inherit that both are ignored; then so would
    every process that they start.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only ``--thorough`` tries, and measure less than is run."""
    if not config.getoption("--thorough"):
        items[:] = [item for item in items if is_tried(item)]
    measure_less(items)


def is_tried(item: pytest.Item) -> bool:
    """Whether a case belongs to every run: for a sweep, by the name of its exchange."""
    name, _, case = item.name.partition("[")
    return name not in SWEEPS or crc32(case.encode()) % TRIED_CASES == 0


@pytest.fixture(scope="session", autouse=True)
def first_uses() -> None:
    """Use what is made once in a process: the first to do so may be a test that is not measured."""
    if sys.gettrace() is None:
        return
    from gatepolicy.errors import DocumentError
    from gatepolicy.policies.load import load_policies
    from tests.reports.example_scan import example_scan
    from tests.reports.page import page_of

    assert page_of(example_scan())
    with pytest.raises(DocumentError):
        load_policies(["p.yaml"], read=lambda _: b"kind: Policy\n")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: some tests wait for a server, or for a time-out."""
    return (os.cpu_count() or 1) + 1


def measure_less(items: Iterable[pytest.Item]) -> None:
    """Measure the coverage of fewer tests: it makes a test take two to ten times as long.

    Of many like cases, every fifth is measured. A law is tried on hundreds of examples, which run
    the same lines.
    """
    for item in items:
        name = item.name.partition("[")[0]
        if is_law(item) or {item.path.stem, name} & NOT_MEASURED:
            item.add_marker(pytest.mark.no_cover)
    for position, item in enumerate(one for one in items if one.path.stem in MANY_ALIKE):
        if position % MEASURED_CASES:
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Trace nothing in a test that is not measured.

    A worker of pytest-xdist has a second tracer below the one that pytest-cov stops.
    """
    if item.get_closest_marker("no_cover") is None:
        return (yield)
    trace, trace_of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(trace)
        threading.settrace(trace_of_threads)


def is_law(item: pytest.Item) -> bool:
    """Whether hypothesis chooses the examples."""
    return hasattr(getattr(item, "function", None), "hypothesis")
