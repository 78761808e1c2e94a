"""What an integrator imports to plug a province in: the port, its messages and errors, and the tools the dialects use.

    from tongban.sdk import Adapter, Answer, AnswerStatus, Capabilities, Exchange, ProvinceCall, Verb

The port has a version (``PORT_VERSION``); an adapter made for another one is refused when the worker starts.
"""

from adapters.answers import build_answer
from adapters.credentials import Credentials, GivenCredentials
from adapters.errors import (
    Ambiguous,
    CallbackRefused,
    ContractBroken,
    Misconfigured,
    ProvinceError,
    Rejected,
    Unavailable,
)
from adapters.exchange import Exchange, Reply, is_fresh, json_bytes, json_object, retry_after
from adapters.port import (
    PORT_VERSION,
    Adapter,
    AdapterFactory,
    AdapterSettings,
    Capabilities,
    FindBy,
    ProvinceAdapter,
    ResultRow,
    ResultsFile,
)
from domain.effects import Answer, AnswerStatus, CallbackNotice, Expect, ProvinceCall, Verb
from domain.messages import Text

__all__ = [
    "PORT_VERSION",
    "Adapter",
    "AdapterFactory",
    "AdapterSettings",
    "Ambiguous",
    "Answer",
    "AnswerStatus",
    "CallbackNotice",
    "CallbackRefused",
    "Capabilities",
    "ContractBroken",
    "Credentials",
    "Exchange",
    "Expect",
    "FindBy",
    "GivenCredentials",
    "Misconfigured",
    "ProvinceAdapter",
    "ProvinceCall",
    "ProvinceError",
    "Rejected",
    "Reply",
    "ResultRow",
    "ResultsFile",
    "Text",
    "Unavailable",
    "Verb",
    "build_answer",
    "is_fresh",
    "json_bytes",
    "json_object",
    "retry_after",
]
