"""What of an earlier scan a narrowed one can be compared with. Pure.

What a narrowed scan left out is neither gone nor fixed: nobody looked.
"""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from gatepolicy.drift.snapshot import Account, Snapshot


def comparable(old: Snapshot, new: Snapshot) -> Snapshot:
    """The earlier scan without what the later one was told to leave out.

    Args:
        old: The earlier scan.
        new: The later one; where nothing narrowed it, the earlier one stays as it is.
    """
    if not any(new.narrowed_by):
        return old
    accounts = {
        key: account
        for key, account in old.accounts.items()
        if key in new.accounts or all(_selects(options, account) for options in new.narrowed_by)
    }
    judged = old.judged
    if judged is not None and new.judged is not None:
        asked = {one.identity for one in new.judged}
        judged = [
            one
            for one in judged
            if one.identity in asked
            or ((one.exchange, one.account) in accounts and one.name not in new.left_out)
        ]
    return replace(old, accounts=accounts, judged=judged)


def _selects(options: Sequence[str], account: Account) -> bool:
    """Whether options would have selected an account of which nothing but the past is known."""
    if any(option.startswith("--label ") for option in options):
        # Its labels may be others now.
        return False
    # A key that was found beside an account is selected with it; ids hold no slash.
    declared = account.id.partition("/")[0]
    globs = [
        option.removeprefix("--account ") for option in options if option.startswith("--account ")
    ]
    return not globs or any(fnmatchcase(declared, glob) for glob in globs)
