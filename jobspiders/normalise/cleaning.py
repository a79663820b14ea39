"""Cleaning rules: what an operator says about bad texts, applied to a raw row before it is normalised. Pure: rules come in as values.

A rule replaces what its pattern finds in one text column, or rejects the row. Rules apply in order of position, then id; each has a
version that counts its changes, and a row that a rule changed says so in `problems`, as `field:rule_<id>v<version>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import re2  # type: ignore[import-untyped,import-not-found,unused-ignore]

from jobschema import Company, Job, Kind, columns
from jobspiders.platforms.base import RawCompany, RawJob

REPLACE, REJECT = "replace", "reject"
Raw = TypeVar("Raw", RawJob, RawCompany)
_RAW = {"job": RawJob, "company": RawCompany}
_ROW = {"job": Job, "company": Company}
_ESCAPE = re.compile(r"\\([\\0-9])")
_MEMORY = 1 << 20  # of one compiled pattern: a pattern that wants more is refused


class RuleInvalidError(ValueError):
    """A rule that cannot be applied; the message names it and says what is valid."""


@dataclass(frozen=True, slots=True)
class CleaningRule:
    """One row of `cleaning_rule`. `platform` empty: every platform. `pattern` is RE2, `replacement` may use \\1."""

    id: int
    kind: str
    field: str
    pattern: str
    action: str = REPLACE
    replacement: str = ""
    platform: str = ""
    position: int = 0
    version: int = 1

    @property
    def mark(self) -> str:
        """What a row that it changed says in `problems`."""
        return f"{self.field}:rule_{self.id}v{self.version}"


@dataclass(frozen=True, slots=True)
class Cleaned(Generic[Raw]):
    """What the rules made of a row: the row (a changed copy, or itself), the rules that changed it, and the one that rejects it."""

    raw: Raw
    changed_by: tuple[CleaningRule, ...] = ()
    rejected_by: CleaningRule | None = None


@dataclass(frozen=True)
class RuleSet:
    """Rules ready to be applied. Raises RuleInvalidError when one of them cannot be."""

    rules: tuple[CleaningRule, ...] = ()
    _patterns: dict[int, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _chosen: dict[tuple[str, str], list[CleaningRule]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for rule in self.rules:
            self._patterns[rule.id] = compile_rule(rule)

    def rules_for(self, kind: str, platform: str) -> list[CleaningRule]:
        """The rules that apply to a job or company of a platform, in order."""
        found = self._chosen.get((kind, platform))
        if found is None:
            rules = (rule for rule in self.rules if rule.kind == kind and rule.platform in {"", platform})
            found = self._chosen[kind, platform] = sorted(rules, key=lambda rule: (rule.position, rule.id))
        return found

    @cached_property
    def version(self) -> str:
        """Eight hex digits that change when any rule does; empty when there are none."""
        text = repr(sorted((rule.id, rule.version, rule) for rule in self.rules))
        return blake2b(text.encode(), digest_size=4).hexdigest() if self.rules else ""

    def clean(self, raw: Raw, platform: str) -> Cleaned[Raw]:
        """Apply the rules for a row of this platform. `raw` is not changed."""
        rules = self.rules_for("job" if isinstance(raw, RawJob) else "company", platform)
        if not rules:
            return Cleaned(raw)
        values: dict[str, Any] = {}
        changed: list[CleaningRule] = []
        for rule in rules:
            before = values.get(rule.field, getattr(raw, rule.field))
            after = apply_rule(rule, self._patterns[rule.id], before)
            if after is None and before is not None:
                return Cleaned(raw, tuple(changed), rule)
            if after != before:
                values[rule.field] = after
                changed.append(rule)
        return Cleaned(replace(raw, **values) if values else raw, tuple(changed))


def apply_rule(rule: CleaningRule, pattern: Any, value: Any) -> Any:
    """A text, or a list of texts, after the rule; None when the rule rejects the row. Texts left empty leave their list."""
    if value is None:
        return None
    texts = value if isinstance(value, list) else [value]
    if not any(pattern.search(_carried(text)) for text in texts):
        return value
    if rule.action == REJECT:
        return None
    # Not RE2's own templates: they spoil replacements that are not ASCII.
    changed = [pattern.sub(lambda found: _expand(rule.replacement, found), _carried(text)) for text in texts]
    return [text for text in changed if text] if isinstance(value, list) else changed[0]


def _expand(template: str, found: Any) -> str:
    return _ESCAPE.sub(lambda sign: "\\" if sign[1] == "\\" else found.group(int(sign[1])) or "", template)


def compile_rule(rule: CleaningRule) -> Any:
    """The rule's pattern. Raises RuleInvalidError."""
    if rule.kind not in _RAW:
        raise _invalid(rule, "kind", rule.kind, "job or company")
    if rule.action not in {REPLACE, REJECT}:
        raise _invalid(rule, "action", rule.action, "replace or reject")
    if rule.field not in cleanable(rule.kind):
        raise _invalid(rule, "field", rule.field, ", ".join(cleanable(rule.kind)))
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    try:
        pattern = re2.compile(rule.pattern, options)
    except re2.error as error:
        raise _invalid(rule, "pattern", rule.pattern, f"an RE2 expression ({_say(error)})") from None
    _check_groups(rule, pattern)
    if not rule.pattern or pattern.search(""):
        raise _invalid(rule, "pattern", rule.pattern, "an expression that does not match the empty text, or every row would be met")
    return pattern


def cleanable(kind: str) -> tuple[str, ...]:
    """The columns that a rule may name: texts and lists of texts that the platform published, but for ids and addresses of pages."""
    raw_names = {declared.name for declared in fields(_RAW[kind])}
    kinds = {Kind.TEXT, Kind.LONG_TEXT, Kind.TEXTS}
    return tuple(
        column.name
        for column in columns(_ROW[kind])
        if column.kind in kinds and column.name in raw_names and not column.key and column.name not in {"url", "keyword", "company_id"}
    )


def make_rules(rows: Iterable[Mapping[str, Any]]) -> RuleSet:
    """Rules from rows of `cleaning_rule`; columns that mean nothing here are passed over."""
    names = {declared.name for declared in fields(CleaningRule)}
    return RuleSet(tuple(CleaningRule(**{name: value for name, value in row.items() if name in names}) for row in rows))


def _check_groups(rule: CleaningRule, pattern: Any) -> None:
    groups = [int(sign) for sign in _ESCAPE.findall(rule.replacement) if sign.isdigit()]
    if "\\" in _ESCAPE.sub("", rule.replacement) or any(group > pattern.groups for group in groups):
        raise _invalid(rule, "replacement", rule.replacement, rf"text with groups up to \{pattern.groups}, and \\ for one backslash")


def _carried(text: str) -> str:
    # Halves of character pairs cannot be encoded for RE2; the row would be scrubbed of them a step later anyway.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _invalid(rule: CleaningRule, what: str, value: str, valid: str) -> RuleInvalidError:
    return RuleInvalidError(f"cleaning_rule {rule.id} has {what} {value!r}; valid is {valid}. Mend the row or set is_enabled to 0.")


def _say(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode() if isinstance(said, bytes) else str(said)
