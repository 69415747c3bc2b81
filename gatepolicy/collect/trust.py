"""What the files of a project may lead a scan to: whoever edits them gains nothing.

A host that the catalog does not name would receive the key and its signature, and could answer
what it likes. A reference may run a command or read a file that its author has no access to.
"""

from dataclasses import dataclass
from pathlib import PurePath

from gatepolicy.accounts.account import Account, ExecReference, FileReference
from gatepolicy.accounts.hosts import host_in, is_loopback
from gatepolicy.documents.places import is_really_below
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.model.facts import Unknown
from gatepolicy.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a person, and no file, has allowed more than the catalog does."""

    hosts: frozenset[str] = frozenset()
    """Hosts that a ``base_url`` or a ``proxy`` may lead to."""
    references_below: str | None = None
    """The folder in which files must lie that references name; no command is run then. ``None``
    when references are trusted."""

    def refusal(
        self, account: Account, exchange: Exchange | None, inventory: str
    ) -> Unknown | None:
        """Why nothing of an account is read or sent; ``None`` when nothing stands against it.

        Args:
            account: The account.
            exchange: Its exchange, whose hosts are always allowed, as this machine is; ``None``
                when nobody knows it, and nothing is sent.
            inventory: The file of the account; references to files start at its folder.
        """
        why = self._of_hosts(account, exchange) if exchange is not None else ""
        why = why or self._of_references(account, inventory)
        return Unknown(Reason.NOT_ALLOWED, why) if why else None

    def _of_hosts(self, account: Account, exchange: Exchange) -> str:
        # NOTE: a key of the sandbox would pass for one of the real exchange, and the other way.
        own = exchange.sandbox_hosts if account.sandbox else exchange.hosts
        for name, url, known, whose in (
            ("base_url", account.base_url, own, f"no host of {exchange.title}"),
            ("proxy", account.proxy, frozenset[str](), "not this machine"),
        ):
            if url is None:
                continue
            host = host_in(url)
            if not host:
                return f"the host of {name} is no plain name or address (a-z, 0-9, - and .)"
            if host not in known | self.hosts and not is_loopback(host):
                return f"{name} leads to {host}, which is {whose} and not allowed"
        return ""

    def _of_references(self, account: Account, inventory: str) -> str:
        if self.references_below is None:
            return ""
        for name, reference in account.credentials.items():
            if isinstance(reference, ExecReference):
                return f"{name}: untrusted files may not run commands (exec)"
            if isinstance(reference, FileReference):
                file = PurePath(inventory).parent / reference.path
                if not is_really_below(str(file), self.references_below):
                    return f"{name}: untrusted files may not refer to files outside of the project"
        return ""
