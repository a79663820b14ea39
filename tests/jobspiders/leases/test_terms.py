"""What a run lacked decides on what terms its keyword goes back."""

from __future__ import annotations

import pytest

from jobspiders.leases.terms import BLOCKED, FAILED, HOPELESS, UNSTARTED, ReturnTerms, judge_return


@pytest.mark.parametrize(
    ("causes", "terms"),
    [
        ({}, UNSTARTED),
        ({"crawl_shutdown": 1}, UNSTARTED),
        ({"search_ip_banned": 3}, BLOCKED),
        ({"search_tokens_exhausted": 1, "crawl_banned": 1}, BLOCKED),
        ({"search_challenge": 1, "detail_soft_ban": 2}, BLOCKED),
        ({"search_schema_changed": 1}, FAILED),
        ({"search_ip_banned": 1, "search_server_error": 1}, FAILED),
        ({"callback_failed": 1}, FAILED),
        ({"search_capped": 1}, HOPELESS),
        ({"search_capped": 1, "crawl_shutdown": 1}, HOPELESS),
        ({"search_capped": 1, "search_DownloadTimeoutError": 1}, FAILED),
    ],
)
def test_causes_decide_the_terms_of_return(causes: dict[str, int], terms: ReturnTerms) -> None:
    assert judge_return(causes) == terms
