"""Every right there is, which built-in role holds it, and which routes it opens. A right is a scope: `<noun>:<verb>`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SELF = "self"  # what everybody who is logged in may do with his own account
USER_SCOPES: dict[str, str] = {
    SELF: "Read and change one's own account",
    "user:read": "See users",
    "user:write": "Add and change users that hold no more rights than oneself",
    "role:read": "See roles, rights, and the routes that a right opens",
    "role:write": "Add and change roles with rights that one holds",
    "dept:read": "See departments",
    "dept:write": "Change departments",
    "menu:read": "See the whole menu",
    "menu:write": "Change the menu",
    "audit:read": "Read and export the audit log",
    "node:read": "See nodes",
    "node:write": "Add nodes, issue and revoke their credentials, drain them",
    "keyword:read": "See keywords and runs",
    "keyword:write": "Add, change, import and remove keywords",
    "token:read": "See tokens (masked), their history and supply",
    "token:write": "Add, change, import and remove tokens",
    "ip:read": "See uploads per address",
    "data:read": "Search and export jobs, companies and salaries, and see what came through the ingest door",
}
NODE_SCOPES: dict[str, str] = {
    "node:self": "Register, beat and take leave as oneself (every node)",
    "ingest": "Upload rows",
    "keyword": "Claim keywords and report their runs",
    "token": "Borrow tokens and report on them",
}
GRANTABLE_TO_NODES = ("ingest", "keyword", "token")
ALL_SCOPES = {**USER_SCOPES, **NODE_SCOPES}

_VIEWER = frozenset({SELF, "node:read", "keyword:read", "token:read", "ip:read", "dept:read", "data:read"})
BUILTIN_ROLES: dict[str, tuple[str, frozenset[str]]] = {
    "admin": ("Everything", frozenset(USER_SCOPES)),
    "operator": ("Runs the crawl: keywords, tokens, nodes", _VIEWER | {"keyword:write", "token:write", "node:write", "audit:read"}),
    "viewer": ("Looks at the crawl", _VIEWER),
}
PUBLIC_ROUTES = frozenset(
    {
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("POST", "/api/v1/auth/token"),
    }
)


@dataclass(frozen=True, slots=True)
class RouteRight:
    """A route template and the scope that opens it; an empty scope is a public route."""

    method: str
    path: str
    scope: str
    summary: str
    tag: str


def read_route_rights(openapi: dict[str, Any]) -> list[RouteRight]:
    """The right of every route, read from the app's OpenAPI document. Raises LookupError for a route that nothing guards."""
    found = []
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            scopes = {scope for entry in operation.get("security", []) for needed in entry.values() for scope in needed}
            key = (method.upper(), path)
            if len(scopes) != 1 and key not in PUBLIC_ROUTES:
                raise LookupError(f"{key[0]} {path} needs exactly one scope and has {sorted(scopes) or 'none'}: declare it with Security")
            if not scopes <= set(ALL_SCOPES):
                raise LookupError(f"{key[0]} {path} asks for {sorted(scopes)}, which is not in rights.ALL_SCOPES")
            tag = (operation.get("tags") or [""])[0]
            found.append(RouteRight(*key, next(iter(scopes), ""), operation.get("summary", ""), tag))
    return found
