"""What a statement is, read from its text alone: an insert with data behind it, a query with a result, or a command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from sandbox.clickhouse.errors import SYNTAX_ERROR, EngineRefusedError

_TOKEN = re.compile(
    rb"(?P<skip>\s+|--[^\n]*|\#[ !][^\n]*|/\*.*?\*/)"
    rb"|(?P<quoted>'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|\"(?:[^\"\\]|\\.|\"\")*\")"
    rb"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    rb"|(?P<other>.)",
    re.DOTALL,
)
_DATA_GAP = re.compile(rb";?[ \t\f]*\r?\n?")
_RESULT_WORDS = frozenset({b"SELECT", b"WITH", b"SHOW", b"DESCRIBE", b"DESC", b"EXISTS", b"EXPLAIN", b"CHECK", b"VALUES"})
_READ_WORDS = _RESULT_WORDS | {b"SET", b"USE"}
_LASTING_WORDS = frozenset({b"SET", b"USE"})


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement. `format` is the one it names ("" for none); `data` is what stands behind an insert's FORMAT, None without one."""

    text: str
    word: str
    format: str = ""
    data: bytes | None = None
    is_lasting: bool = False

    @property
    def has_result(self) -> bool:
        """Whether it answers rows."""
        return self.word.encode() in _RESULT_WORDS

    @property
    def reads_only(self) -> bool:
        """Whether GET may carry it."""
        return self.word.encode() in _READ_WORDS


@dataclass(frozen=True, slots=True)
class _Token:
    value: bytes  # words in capitals, quoted text as b"'"
    end: int
    depth: int


def read_statement(raw: bytes) -> Statement:
    """The statement at the start of a request. Raises EngineRefusedError for none, several, or text that is not UTF-8."""
    tokens = _tokens(raw)
    first = next((token for token in tokens if token.value != b"("), None)
    if first is None:
        raise EngineRefusedError("Empty query", SYNTAX_ERROR)
    if first.value == b"INSERT":
        return _read_insert(raw, tokens)
    return _read_other(raw, first, tokens)


def _read_insert(raw: bytes, tokens: Iterator[_Token]) -> Statement:
    """An insert is read no further than to its data, which may be anything."""
    for token in tokens:
        if token.depth or token.value not in {b"FORMAT", b"VALUES", b"SELECT", b"WITH"}:
            continue
        if token.value != b"FORMAT":
            return Statement(_decode(raw), "INSERT")
        name = next(tokens, None)
        if name is None:
            break
        gap = _DATA_GAP.match(raw, name.end)
        start = gap.end() if gap else name.end
        head = raw[: token.end - len(b"FORMAT")]
        found = re.search(rb"\w+\Z", raw[token.end : name.end])
        return Statement(_decode(head), "INSERT", found.group().decode() if found else "", raw[start:])
    return Statement(_decode(raw), "INSERT")


def _read_other(raw: bytes, first: _Token, rest: Iterator[_Token]) -> Statement:
    tokens = [first, *rest]
    ends = [place for place, token in enumerate(tokens) if token.value == b";" and token.depth <= 0]
    if ends and any(token.value != b";" for token in tokens[ends[0] :]):
        raise EngineRefusedError("Syntax error (Multi-statements are not allowed)", SYNTAX_ERROR)
    is_temporary = [token.value for token in tokens[:2]] == [b"CREATE", b"TEMPORARY"]
    is_lasting = is_temporary or first.value in _LASTING_WORDS
    return Statement(_decode(raw), first.value.decode("utf-8", "replace"), _find_format(raw, tokens), None, is_lasting)


def _find_format(raw: bytes, tokens: list[_Token]) -> str:
    """The format that a query ends with; SETTINGS may stand behind it."""
    for token, name, after in zip_longest(tokens, tokens[1:], tokens[2:]):
        is_last = after is None or after.value in {b";", b"SETTINGS"}
        if name is not None and token.value == b"FORMAT" and token.depth == 0 and is_last:
            return raw[token.end : name.end].decode("utf-8", "replace").split()[-1]
    return ""


def _tokens(raw: bytes) -> Iterator[_Token]:
    depth = 0
    for found in _TOKEN.finditer(raw):
        if found.lastgroup == "skip":
            continue
        value = found.group()
        if found.lastgroup == "word":
            value = value.upper()
        elif found.lastgroup == "quoted":
            value = b"'"
        depth += (value in {b"(", b"["}) - (value in {b")", b"]"})
        yield _Token(value, found.end(), depth if value not in {b"(", b"["} else depth - 1)


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise EngineRefusedError(f"The statement is not UTF-8: {error}", SYNTAX_ERROR) from error
