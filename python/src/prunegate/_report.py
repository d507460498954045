"""The part of report.json that is fixed (schemas/report.schema.json has all of it)."""

from __future__ import annotations

from typing import Any, List, Optional, TypedDict


class Layer(TypedDict, total=False):
    """A prunable layer. Index lists are sorted and zero-based; None is 'not known'."""

    name: str
    kind: str
    filters: int
    folding: str
    exploring: Optional[List[int]]
    expected: Optional[List[int]]
    actual: Optional[List[int]]
    reported: Optional[List[int]]
    verdict: Optional[str]
    group: Optional[int]
    missing: List[int]
    unexpected: List[int]
    reason: Optional[str]


class Group(TypedDict, total=False):
    """Layers whose filters are retained together."""

    id: int
    members: List[str]
    criterion: str


class Totals(TypedDict, total=False):
    """Numbers of layers by verdict, and sizes before and after."""

    layers: int
    match: int
    mismatch: int
    ambiguous: int
    unverifiable: int
    filters: Any
    parameters: Any
    macs: Any


class Report(TypedDict, total=False):
    """What a command found. ``verdict`` is conforms, diverges or unverifiable; None from expect and recover."""

    schemaVersion: int
    tool: Any
    verdict: Optional[str]
    conclusion: str
    model: str
    dialect: str
    spec: Any
    inputs: Any
    layers: List[Layer]
    groups: List[Group]
    execution: Any
    totals: Totals
    findings: List[Any]
    notes: List[Any]
