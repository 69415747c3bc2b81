"""Strong Kleene logic, by its truth tables (Kleene, Introduction to Metamathematics, § 64)."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepolicy.evaluate.predicates import Truth, all_of, any_of, decisive, holds, negation
from gatepolicy.rules.rule import AllOf, AnyOf, Condition
from gatepolicy.rules.rule import Test as Check

T, F, U = True, False, None

AND = {
    (T, T): T, (T, U): U, (T, F): F,
    (U, T): U, (U, U): U, (U, F): F,
    (F, T): F, (F, U): F, (F, F): F,
}  # fmt: skip
OR = {
    (T, T): T, (T, U): T, (T, F): T,
    (U, T): T, (U, U): U, (U, F): U,
    (F, T): T, (F, U): U, (F, F): F,
}  # fmt: skip


@pytest.mark.parametrize("pair", list(product((T, U, F), repeat=2)))
def test_truth_tables(pair: tuple[Truth, Truth]) -> None:
    assert all_of(pair) is AND[pair]
    assert any_of(pair) is OR[pair]


def test_negation() -> None:
    assert [negation(truth) for truth in (T, U, F)] == [F, U, T]


def test_nothing_is_unknown_and_no_pass() -> None:
    assert all_of([]) is None
    assert any_of([]) is None
    assert holds(AllOf(()), lambda _: True) is None
    assert holds(AnyOf(()), lambda _: True) is None
    assert decisive(AllOf(()), lambda _: True) == ()


truths = st.sampled_from((T, U, F))


@given(st.lists(truths, min_size=3, max_size=6))
def test_many_are_like_one_after_the_other(row: list[Truth]) -> None:
    folded_and, folded_or = row[0], row[0]
    for truth in row[1:]:
        folded_and, folded_or = AND[(folded_and, truth)], OR[(folded_or, truth)]
    assert all_of(row) is folded_and
    assert any_of(row) is folded_or


def _named(*names: str) -> tuple[Condition, ...]:
    return tuple(Check(name, "is", argument=True) for name in names)


def test_conditions_nest() -> None:
    known: dict[str, Truth] = {"a": T, "b": F, "c": U}
    a, b, c = _named("a", "b", "c")

    def judge(test: Check) -> Truth:
        return known[test.fact]

    assert holds(AllOf((a, AnyOf((b, a)))), judge) is True
    assert holds(AnyOf((b, AllOf((a, c)))), judge) is None
    assert holds(AllOf((c, AnyOf((b, b)))), judge) is False


@pytest.mark.parametrize(
    ("condition", "facts"),
    [
        (AllOf(_named("yes", "no", "what")), ["no"]),
        (AllOf(_named("yes", "yes2")), ["yes", "yes2"]),
        (AllOf(_named("yes", "what")), ["what"]),
        (AnyOf(_named("yes", "no", "what")), ["yes"]),
        (AnyOf(_named("no", "no2")), ["no", "no2"]),
        (AnyOf(_named("no", "what")), ["what"]),
        (AnyOf((*_named("no"), AllOf(_named("yes", "no2")))), ["no", "no2"]),
    ],
)
def test_decisive_tests(condition: Condition, facts: list[str]) -> None:
    known: dict[str, Truth] = {"yes": T, "yes2": T, "no": F, "no2": F, "what": U}
    assert [test.fact for test in decisive(condition, lambda t: known[t.fact])] == facts


names = st.sampled_from(["a", "b", "c", "d"])
conditions = st.recursive(
    names.map(lambda name: Check(name, "is", argument=True)),
    lambda inner: st.lists(inner, min_size=1, max_size=3).flatmap(
        lambda parts: st.sampled_from([AllOf(tuple(parts)), AnyOf(tuple(parts))])
    ),
    max_leaves=8,
)


@given(conditions, st.dictionaries(names, st.booleans()), st.dictionaries(names, st.booleans()))
def test_learning_more_never_flips_a_definite_truth(
    condition: Condition, known: dict[str, bool], more: dict[str, bool]
) -> None:
    learnt = {**more, **known}
    before = holds(condition, lambda test: known.get(test.fact))
    after = holds(condition, lambda test: learnt.get(test.fact))
    assert before is None or after is before


@given(conditions, st.dictionaries(names, st.booleans()))
def test_there_is_always_something_decisive(condition: Condition, known: dict[str, bool]) -> None:
    found = decisive(condition, lambda test: known.get(test.fact))
    assert found
    truth = holds(condition, lambda test: known.get(test.fact))
    assert all(known.get(test.fact) is truth for test in found)
