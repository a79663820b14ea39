"""A router that looks at a path's beginning before it tries its routes: FastAPI would try every route of every router, twice."""

from __future__ import annotations

from functools import cached_property

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope


class PrefixRouter(APIRouter):
    """An APIRouter whose routes are all declared before the first request."""

    @cached_property
    def _beginnings(self) -> tuple[str, ...]:
        return tuple({route.path.partition("{")[0] for route in self.routes if isinstance(route, APIRoute)})

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """`BaseRoute.matches`."""
        return super().matches(scope) if scope["path"].startswith(self._beginnings) else (Match.NONE, {})
