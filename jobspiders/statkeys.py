"""Every stats key that we set, one line each; docs/stats.md explains them and a test compares the two.

A key is a tree: the last segment after a constant here is the verdict, reason or noun that is counted.
"""

VERDICT_COUNT = "verdict/count"  # /<verdict>: answers by what they really were
VERDICT_INNER_COUNT = "verdict/inner_count"  # /<verdict>: bad answers inside a good batch envelope
VERDICT_RETRY = "verdict/retry"  # /count, /reason_count/<verdict>, /max_reached: requests tried again
VERDICT_REFUSED = "verdict/refused_count"  # /<verdict>: requests given up
VERDICT_SURVIVED = "verdict/survived"  # blocked answers whose request later had a good one
REST_COUNT = "rest/count"  # /<token|tunnel>/<verdict>: rests ordered
TOKEN_BURNT = "token/burnt_count"  # noqa: S105  # /<verdict>: tokens retired
KEYWORD_OPENED = "keyword/opened"  # runs begun
KEYWORD_COMPLETE = "keyword/complete"  # runs in which every request had a good answer
KEYWORD_PARTIAL = "keyword/partial"  # runs that lack something; the log says what
KEYWORD_RETURNED = "keyword/returned"  # runs cut off by the end of the crawl
SEARCH_PAGES = "search/pages"  # search pages read
SEARCH_SPLIT = "search/split"  # capped searches that were split by filter
SEARCH_CAPPED = "search/capped"  # capped searches that could not be split further: postings may be missing
DETAIL_FETCHED = "detail/fetched"  # postings whose detail was merged
DETAIL_REPEATED = "detail/repeated"  # postings seen again, whose detail was at hand
DETAIL_ASKED_AGAIN = "detail/asked_again"  # postings that a batch left out
DETAIL_MISSING = "detail/missing"  # postings stored without the detail they should have
ROWS_JOB = "rows/job"  # jobs given to the pipelines
ROWS_COMPANY = "rows/company"  # companies given to the pipelines
ROWS_REJECTED = "rows/rejected"  # /<field:reason>: items refused for contract drift
CLEANING_VERSION = "cleaning/version"  # of the cleaning rules in force
CLEANING_CHANGED = "cleaning/changed"  # /<rule id>: rows that a cleaning rule changed
CLEANING_REJECTED = "cleaning/rejected"  # /<rule id>: rows that a cleaning rule left out
NORMALISE_PROBLEM = "normalise/problem"  # /<field:reason>: texts that could not be read; the row is kept
SINK = "sink"  # /<sink or spool>/<counter>: what was written; docs/stats.md lists the counters
LIFECYCLE_PASSES = "lifecycle/passes"  # /<outcome>: runs that ended, by what they prove about postings they did not meet
LIFECYCLE_DELISTED = "lifecycle/delisted"  # /<absence|platform>: postings that count as gone since, and by whose word
SIGNING_ENGINE = "signing/engine"  # the JavaScript engine that the operator's script ran on
SIGNING_CALLS = "signing/calls"  # calls of the script
SIGNING_RECYCLED = "signing/recycled"  # contexts replaced after a failure, a time-out, growth or old age
SIGNING_HANGS = "signing/hangs"  # engines that hung and were left behind
LEASE = "lease"  # /<figure>: what this node's leases came to; docs/stats.md lists the figures
BUDGET_WAITED = "budget/wait_seconds"  # seconds that requests waited for the fleet's request budget
BUDGET_PAUSED = "budget/paused"  # times that the fleet was asked to leave an exit alone, because the platform named a time
OUTCOME_EXIT_CODE = "outcome/exit_code"  # the exit code that `scrapy crawl` ends with
