"""The SDKs of exchanges, each of which reads its own key; run by a Python that has them.

Reads ``{"EXCHANGE": {"url": URL, "apiKey": ..., "secret": ..., "password": ...}}`` from standard
input, and writes ``[VERSION, ANSWER]`` of the SDK that is named on the command line. Nothing of an
SDK is changed; where its address cannot be set, its requests are led to the simulator.
"""

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

Account = Mapping[str, str]


def led(host: str, url: str) -> None:
    """Lead requests to a host that an SDK does not let choose to the simulator."""
    requests = importlib.import_module("requests")
    send = requests.Session.send

    def to_simulator(self: Any, request: Any, **options: Any) -> Any:
        request.url = request.url.replace(f"https://{host}", url)
        return send(self, request, **options)

    requests.Session.send = to_simulator


def gate(account: Account) -> Any:
    api = importlib.import_module("gate_api")
    settings = api.Configuration(
        host=f"{account['url']}/api/v4", key=account["apiKey"], secret=account["secret"]
    )
    return api.AccountApi(api.ApiClient(settings)).get_account_detail().to_dict()


def xt(account: Account) -> Any:
    spot = importlib.import_module("pyxt.spot").Spot(
        account["url"], access_key=account["apiKey"], secret_key=account["secret"]
    )
    return spot.req_get("/v4/user/account/api-key")


def bitvavo(account: Account) -> Any:
    client = importlib.import_module("python_bitvavo_api.bitvavo").Bitvavo(
        {
            "APIKEY": account["apiKey"],
            "APISECRET": account["secret"],
            "RESTURL": f"{account['url']}/v2",
            "ACCESSWINDOW": 10_000,
        }
    )
    return client.account()


def deribit(account: Account) -> Any:
    led("www.deribit.com", account["url"])
    client = importlib.import_module("deribit_wrapper").DeribitClient(
        env="prod", client_id=account["apiKey"], client_secret=account["secret"]
    )
    return client.list_api_keys().to_dict("records")


def binance(account: Account) -> Any:
    client = importlib.import_module("binance.spot").Spot(
        account["apiKey"], account["secret"], base_url=account["url"]
    )
    return client.api_key_permissions()


def bybit(account: Account) -> Any:
    client = importlib.import_module("pybit.unified_trading").HTTP(
        api_key=account["apiKey"], api_secret=account["secret"]
    )
    client.endpoint = account["url"]
    return client.get_api_key_information()


def okx(account: Account) -> Any:
    client = importlib.import_module("okx.Account").AccountAPI(
        account["apiKey"],
        account["secret"],
        account["password"],
        flag="0",
        domain=account["url"],
    )
    return client.get_account_config()


def kucoin(account: Account) -> Any:
    api = importlib.import_module("kucoin_universal_sdk.api")
    model = importlib.import_module("kucoin_universal_sdk.model")
    options = (
        model.ClientOptionBuilder()
        .set_key(account["apiKey"])
        .set_secret(account["secret"])
        .set_passphrase(account["password"])
        .set_spot_endpoint(account["url"])
        .set_transport_option(model.TransportOptionBuilder().build())
        .build()
    )
    service = api.DefaultClient(options).rest_service().get_account_service()
    return service.get_account_api().get_apikey_info().to_dict()


def coinbase(account: Account) -> Any:
    led("api.coinbase.com", account["url"])
    client = importlib.import_module("coinbase.rest").RESTClient(
        api_key=account["apiKey"], api_secret=account["secret"]
    )
    return client.get_api_key_permissions().to_dict()


def kraken(account: Account) -> Any:
    client = importlib.import_module("krakenex").API(account["apiKey"], account["secret"])
    client.uri = account["url"]
    return client.query_private("GetApiKeyInfo")


def bitfinex(account: Account) -> Any:
    middleware = importlib.import_module("bfxapi.rest._interface.middleware").Middleware(
        f"{account['url']}/v2", api_key=account["apiKey"], api_secret=account["secret"]
    )
    return middleware.post("auth/r/permissions")


def delta(account: Account) -> Any:
    client = importlib.import_module("delta_rest_client").DeltaRestClient(
        account["url"], account["apiKey"], account["secret"]
    )
    return client.get_position(27)


def luno(account: Account) -> Any:
    client = importlib.import_module("luno_python.client").Client(
        base_url=account["url"], api_key_id=account["apiKey"], api_key_secret=account["secret"]
    )
    return client.get_fee_info("XBTZAR")


def upbit(account: Account) -> Any:
    led("api.upbit.com", account["url"])
    client = importlib.import_module("pyupbit").Upbit(account["apiKey"], account["secret"])
    return client.get_api_key_list()


SDKS: Mapping[str, tuple[str, Callable[[Account], Any]]] = {
    "gate-api": ("gate", gate),
    "pyxt": ("xt", xt),
    "python-bitvavo-api": ("bitvavo", bitvavo),
    "deribit-wrapper": ("deribit", deribit),
    "binance-connector": ("binance", binance),
    "pybit": ("bybit", bybit),
    "python-okx": ("okx", okx),
    "kucoin-universal-sdk": ("kucoin", kucoin),
    "coinbase-advanced-py": ("coinbase", coinbase),
    "krakenex": ("kraken", kraken),
    "bitfinex-api-py": ("bitfinex", bitfinex),
    "delta-rest-client": ("delta", delta),
    "luno-python": ("luno", luno),
    "pyupbit": ("upbit", upbit),
}
"""Name of the package to the exchange and to what reads a key by it."""


if __name__ == "__main__":
    exchange, read = SDKS[sys.argv[1]]
    answer = read(json.load(sys.stdin)[exchange])
    print(json.dumps([version(sys.argv[1]), answer], default=str))
