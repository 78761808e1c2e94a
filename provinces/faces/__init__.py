"""The faces of a province: one dialect each, in front of the same office. Which one is chosen by region or by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from provinces.faces.anhui import Anhui
from provinces.faces.base import Face
from provinces.faces.jiangsu import Jiangsu
from provinces.faces.shanghai import Shanghai
from provinces.faces.zhejiang import Zhejiang

DIALECTS: Mapping[str, type[Face]] = MappingProxyType(
    {face.name: face for face in (Shanghai, Jiangsu, Zhejiang, Anhui)}
)
HOME: Mapping[str, str] = MappingProxyType({"31": "shanghai", "32": "jiangsu", "33": "zhejiang", "34": "anhui"})
"""First two digits of a region -> its dialect."""

__all__ = ["DIALECTS", "HOME", "Face"]
