"""A FastAPI application that reads one keyword and does nothing else: what the control plane's own route is measured against.

CONTROL_BENCH_DSN=sqlite:///... uvicorn benchmarks.control_bare:make_app --factory
"""

from __future__ import annotations

import os

from fastapi import FastAPI, HTTPException
from sqlmodel import Session

from control_api.db import open_database
from control_api.models import Keyword
from control_api.schemas.keywords import KeywordAnswer


def make_app() -> FastAPI:
    """The same row, by the same driver, in the same shape; nobody is asked who he is."""
    app = FastAPI()
    engine = open_database(os.environ["CONTROL_BENCH_DSN"]).engine

    def read_keyword(keyword_id: int) -> KeywordAnswer:
        with Session(engine) as unit:
            keyword = unit.get(Keyword, keyword_id)
            if keyword is None:
                raise HTTPException(404)
            return KeywordAnswer.model_validate(keyword)

    app.add_api_route("/keyword/{keyword_id}", read_keyword)
    return app
