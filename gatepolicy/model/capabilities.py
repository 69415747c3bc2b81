"""What a key can be allowed to do, in one vocabulary for all exchanges."""

from enum import StrEnum


class Capability(StrEnum):
    """A thing that a key can do. Each has a fact ``permission.<capability>``."""

    READ = "read"
    TRADE_SPOT = "trade.spot"
    TRADE_MARGIN = "trade.margin"
    TRADE_FUTURES = "trade.futures"
    TRADE_OPTIONS = "trade.options"
    WITHDRAW = "withdraw"
    TRANSFER = "transfer"
    CONVERT = "convert"
    EARN = "earn"
    LOAN = "loan"
    COPY_TRADING = "copy_trading"
    P2P = "p2p"
    CUSTODY = "custody"
    MANAGE = "manage"

    @property
    def fact(self) -> str:
        """The name of the fact that says whether a key has this capability."""
        return f"permission.{self.value}"


DESCRIPTION: dict[Capability, str] = {
    Capability.READ: "read balances, orders and settings",
    Capability.TRADE_SPOT: "place and cancel spot orders",
    Capability.TRADE_MARGIN: "borrow, repay and trade on margin",
    Capability.TRADE_FUTURES: "trade perpetual and delivery contracts",
    Capability.TRADE_OPTIONS: "trade options",
    Capability.WITHDRAW: "send funds out of the exchange",
    Capability.TRANSFER: "move funds between own wallets, sub-accounts or users",
    Capability.CONVERT: "convert one coin to another outside the order book",
    Capability.EARN: "subscribe to and redeem earning products",
    Capability.LOAN: "take and repay loans",
    Capability.COPY_TRADING: "lead or follow copy trading",
    Capability.P2P: "trade or pay person to person",
    Capability.CUSTODY: "act in custody services",
    Capability.MANAGE: "manage keys, sub-accounts or addresses",
}
