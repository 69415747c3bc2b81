"""Values as JSON and back, exactly."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.model.encoding import decode_time, decode_value, encode_time, encode_value
from gatepolicy.model.facts import FactKind, Never
from tests.reports.strategies import clean_texts, times, values


@given(times)
def test_times_come_back(moment: datetime) -> None:
    assert decode_time(encode_time(moment)) == moment


def test_a_time_is_written_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert encode_time(datetime(2026, 11, 23, 18, tzinfo=east)) == "2026-11-23T16:00:00Z"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        encode_time(datetime(2026, 11, 23))  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T16:00:00",
        "2026-11-23T16:00:00+00:00",
        "2026-11-23 16:00:00Z",
        "2026-11-23T16:00:00.5Z",
        "2026-11-23T16:00:00.000000Z",
        "2026-11-31T16:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23",
        "never",
    ],
)
def test_other_ways_of_writing_a_time_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_time(text)


@given(st.data(), st.sampled_from(FactKind))
def test_values_come_back(data: st.DataObject, kind: FactKind) -> None:
    value = data.draw(values(kind, clean_texts))
    back = decode_value(kind, encode_value(value))
    # A text "never" is a text, and the time that will not come is that: the kind decides.
    assert back == value
    assert (back is Never.NEVER) is (value is Never.NEVER)


def test_the_zone_of_a_time_is_utc() -> None:
    assert decode_time("2026-11-23T16:00:00Z").tzinfo is UTC


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (FactKind.BOOL, 1),
        (FactKind.TEXT, None),
        (FactKind.TEXTS, "a"),
        (FactKind.TEXTS, [1]),
        (FactKind.NETWORKS, ["203.0.113.5"]),
        (FactKind.NETWORKS, ["x"]),
        (FactKind.GRANTS, [["spot"]]),
        (FactKind.GRANTS, [{"word": "spot"}]),
    ],
)
def test_values_of_another_kind_are_refused(kind: FactKind, data: object) -> None:
    with pytest.raises(ValueError):
        decode_value(kind, data)
