"""Which file an entry of ``extends`` names."""

from os.path import normpath
from pathlib import Path

from gatepolicy.documents.nearest import did_you_mean
from gatepolicy.resources import policies_directory

_SUFFIXES = (".yaml", ".yml")


class UnknownParent(Exception):  # noqa: N818 - told as a problem of the policy that names it
    """An entry of ``extends`` that leads nowhere."""

    def __init__(self, what: str, fix: str) -> None:
        """Keep what is wrong and what to do."""
        super().__init__(what)
        self.fix = fix


def shipped_policies() -> tuple[str, ...]:
    """The names of all policies that ship with gatepolicy, sorted."""
    return tuple(sorted(file.stem for file in policies_directory().glob("*.yaml")))


def policy_file(reference: str, folder: str = "") -> str:
    """The file that a reference names: a path with its suffix, or the name of a shipped policy.

    Args:
        reference: As a user or a policy says it.
        folder: Paths are relative to this.

    Raises:
        UnknownParent: It looks like a name, and no such policy ships.
    """
    if reference.endswith(_SUFFIXES):
        return normpath(Path(folder) / reference)
    shipped = shipped_policies()
    if reference not in shipped:
        fix = did_you_mean(reference, shipped, f"one of {', '.join(shipped)}; or a file")
        raise UnknownParent(f"no policy {reference} ships with gatepolicy", fix)
    return str(policies_directory() / f"{reference}.yaml")


def parent_file(reference: str, child: str) -> str:
    """The file of a parent, seen from the file that extends it.

    Raises:
        UnknownParent: There is none of that name.
    """
    return policy_file(reference, str(Path(child).parent))
