"""/docs: Swagger UI from files that this process serves itself, under a policy that lets nothing else run."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from control_api.edge import DOCS_POLICY

ASSETS = "/docs/assets"
_PAGE = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>jobspiders control plane</title>
<link rel="stylesheet" href="{ASSETS}/swagger-ui.css"><link rel="icon" href="{ASSETS}/favicon.png"></head>
<body><div id="swagger-ui"></div><script src="{ASSETS}/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: false, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis], layout: "BaseLayout"
});
"""


def install_docs(app: FastAPI) -> None:
    """Add /docs to `app`."""

    async def show_page() -> Response:
        return HTMLResponse(_PAGE, headers={"Content-Security-Policy": DOCS_POLICY})

    async def show_start() -> Response:
        return Response(_START, media_type="text/javascript")

    app.add_api_route("/docs", show_page, include_in_schema=False)
    app.add_api_route("/docs/start.js", show_start, include_in_schema=False)
    app.mount(ASSETS, StaticFiles(packages=[("fastapi_offline", "static")]), name="docs-assets")
