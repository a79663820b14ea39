"""HTTP and nothing else: each endpoint opens a unit, asks a service, shapes the answer. Each names its right with `needs`."""

from control_api.routers import analytics, audit, auth, health, ingest, keywords, leases, nodes, organisation, roles, tokens, uploads, users

ROUTERS = (
    health.router,
    auth.router,
    users.router,
    roles.router,
    roles.routes_router,
    organisation.depts,
    organisation.menus,
    audit.router,
    nodes.router,
    leases.router,  # before keywords: `/available` is not an id
    keywords.router,
    tokens.router,
    uploads.router,
    ingest.router,
    analytics.router,
)
