"""What the kit has to be told about a target: its region, what can be asked of it there, and the keys for it."""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from adapters.conformance.model import Proof

HERE = Path(__file__).parent
SAMPLES = {
    "submit": "something that is done, at once or soon",
    "slow": "something that is in progress first and done later",
    "lasting": "the same, long enough in progress to be called off",
    "refuse": "something that is refused",
    "refuse_late": "something that is in progress first and refused later",
    "supplement": "something in progress that wants something handed in",
    "contradict": "something whose end is called back, and then another end",
    "consult": "a request for another authority's consent",
    "object": "one to which it objects",
    "notify": "a notification",
    "offer": "evidence that a register holds",
    "missing": "evidence that it does not hold",
    "text": "something that gives a text back; echo says under which name",
    "money": "something that gives an amount back; echo says under which name",
}
_OBJECT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


class Unusable(Exception):
    """A file or name that the kit cannot work with; the text is for whoever started it, in zh and en."""


class Sample(BaseModel):
    """One thing that can be asked.

    reverse: the operation that undoes it. echo: field sent -> result field in which it comes back unchanged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    department: str
    operation: str
    fields: Mapping[str, str] = Field(default_factory=dict)
    reverse: str = ""
    echo: Mapping[str, str] = Field(default_factory=dict)


class Profile(BaseModel):
    """A target.

    place: the six digits calls are addressed to, the region's own unless said otherwise. proves: what its way of
    identifying callers covers. patience_s: how long the end of what is in progress may take. options: the adapter's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str = Field(pattern="^[0-9]{6}$")
    place: str = Field(default="", pattern="^([0-9]{6})?$")
    proves: frozenset[Proof] = frozenset()
    patience_s: float = Field(default=15.0, gt=0, le=600)
    options: Mapping[str, str] = Field(default_factory=dict)
    samples: Mapping[str, Sample] = Field(default_factory=dict)


class Keys(BaseModel):
    """Credentials for the target. stranger: the same shape with keys the target does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    good: dict[str, JsonValue] = Field(default_factory=dict)
    stranger: dict[str, JsonValue] = Field(default_factory=dict)

    def secret_texts(self, *names: str) -> frozenset[str]:
        """Every value that must not be read by anybody. ``names``: only those under a name with one of these words."""
        both = [*self.good.items(), *self.stranger.items()]
        wanted = [value for name, value in both if not names or any(word in name for word in names)]
        return frozenset(text for value in wanted for text in _texts(value))


def read_profile(file: Path | None, adapter: str) -> Profile:
    """A profile file, or the one that is shipped for an adapter."""
    where = file or HERE / "profile.json"
    content = _read(where)
    if file is None:
        shipped = content.get(_short(adapter))
        if not isinstance(shipped, dict):
            raise Unusable(
                f"没有 {adapter!r} 的内置测试档案，请用 --profile 指定。"
                f"\nNo profile is shipped for {adapter!r}: name one with --profile."
            )
        content = shipped
    try:
        profile = Profile.model_validate(content)
    except ValidationError as wrong:
        raise Unusable(f"{where.name}：档案有误。\n{where.name}: {_first(wrong)}") from None
    if unknown := sorted(set(profile.samples) - set(SAMPLES)):
        known = ", ".join(SAMPLES)
        raise Unusable(
            f"{where.name}：未知样例 {', '.join(unknown)}（可用：{known}）。"
            f"\n{where.name}: unknown samples {', '.join(unknown)} (known: {known})."
        )
    return profile


def read_keys(file: Path | None, adapter: str) -> Keys:
    """A credentials file, plain as the adapter reads it or with ``good`` and ``stranger``; else the shipped ones."""
    content = _read(file or HERE / "credentials.json")
    if file is None:
        shipped = content.get(_short(adapter), {})
        content = shipped if isinstance(shipped, dict) else {}
    return keys_of(content)


def keys_of(content: Mapping[str, JsonValue]) -> Keys:
    """Credentials in either shape."""
    try:
        keys = Keys.model_validate(content) if "good" in content else Keys(good=dict(content))
    except ValidationError as wrong:
        raise Unusable(f"凭证文件有误。\nThe credentials file is wrong: {_first(wrong)}") from None
    if not keys.stranger and "secrets" in keys.good:
        stranger = copy.deepcopy(keys.good)
        stranger["secrets"] = [f"stranger-{secrets.token_hex(16)}"]
        keys = keys.model_copy(update={"stranger": stranger})
    return keys


def given_keys(content: Mapping[str, object]) -> Keys:
    """Credentials that are there already, such as those of a test."""
    return keys_of(_OBJECT.validate_python(dict(content)))


def _short(adapter: str) -> str:
    """``adapters.anhui:Anhui`` is the shipped ``anhui``, too."""
    module, colon, _ = adapter.partition(":")
    return module.removeprefix("adapters.") if colon else adapter


def _read(file: Path) -> dict[str, JsonValue]:
    try:
        return _OBJECT.validate_python(json.loads(file.read_text("utf-8")))
    except OSError as missing:
        raise Unusable(f"{file}：无法读取。\n{file}: cannot be read ({missing.strerror}).") from None
    except (ValueError, RecursionError):
        raise Unusable(f"{file}：不是 JSON 对象。\n{file}: no JSON object.") from None


def _first(wrong: ValidationError) -> str:
    error = wrong.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"


def _texts(value: JsonValue) -> list[str]:
    if isinstance(value, str):
        return [value] if len(value) >= 12 else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for each in inner for text in _texts(each)]
