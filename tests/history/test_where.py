"""Where a history is, and that its password is shown nowhere."""

import pytest

from gatepolicy.errors import UsageError
from gatepolicy.history.where import parse_where


@pytest.mark.parametrize(
    ("text", "file"),
    [
        (".gatepolicy/history.db", ".gatepolicy/history.db"),
        ("/srv/history.db", "/srv/history.db"),
        ("sqlite:///a/b.db", "a/b.db"),
        ("sqlite:////srv/b.db", "/srv/b.db"),
    ],
)
def test_files(text: str, file: str) -> None:
    where = parse_where(text)
    assert (where.file, where.name, where.server) == (file, file, None)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("postgres://gp@db.example.com/gp", "gp@db.example.com/gp"),
        ("postgresql://gp:s%40crt@db.example.com:5432/gp", "gp:s%40crt@db.example.com:5432/gp"),
        ("postgresql+psycopg://db.example.com/gp", "db.example.com/gp"),
        ("postgresql:///gp?host=/run/postgresql", "/gp?host=/run/postgresql"),
    ],
)
def test_servers(text: str, url: str) -> None:
    where = parse_where(text)
    assert where.server is not None
    assert where.server.reveal() == f"postgresql+psycopg://{url}"
    assert where.name == "the PostgreSQL database"
    assert "s%40crt" not in repr(where)


def test_passwords_are_taken_out_of_texts_in_every_form() -> None:
    where = parse_where("postgresql://gp:s%40crt@db.example.com/gp?password=oth%2Fer&x=1")
    told = where.without_passwords("no: s%40crt s@crt oth%2Fer oth/er 1 gp")
    assert told == "no: *** *** *** *** 1 gp"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://gp:hunter/2@db.example.com/gp",
        "postgresql://gp:hunter@2@db.example.com/gp",
        "postgresql://gp:hunter#2@db.example.com/gp",
        "postgresql://gp:hunter?2@db.example.com/gp",
        "mysql://gp:hunter2@db.example.com/gp",
        "sqlite://gp:hunter2@x",
        "",
        ":memory:",
        "a\0b",
    ],
)
def test_what_is_no_place_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_where(text)
    assert "hunter" not in f"{refused.value} {refused.value.hint}"
    assert refused.value.hint
