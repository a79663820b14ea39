"""What `python -m sandbox --help` says after the options: paths, rules of matching, control door, every switch."""

from __future__ import annotations

from sandbox.switches import SWITCHES

TEXT = """\
ready line (JSON, one line on stdout): base_url, control_url, control_token, secrets {boss_tokens, boss_sign_secret, boss_sign_script,
qcwy_sign_key, zhilian_at, zhilian_rt}, catalogue (counts).

matching: a posting matches a search when its city matches and every whitespace-separated term of the text occurs, letter case aside, in its
title, skills, tags, category or description. Results keep one order. An empty text matches everything.

platform paths:
  boss     GET /wapi/zpgeek/miniapp/search/joblist.json    GET /wapi/zpgeek/miniapp/job/detail.json
           GET|POST /wapi/batch/batchRunV3                 GET /wapi/zpgeek/miniapp/brand/detail.json
           needs headers mpt, zp_app_id (or zpAppId) 10002,
           traceid F-<6 hex><10 letters or digits>; details need the securityId that an answer
           gave for that very posting. boss.sign on: x-sign = hex HMAC-MD5(secret, METHOD \\n path \\n query as sent \\n time \\n nonce),
           headers
           x-sign-time (unix ms, 60 s) and x-sign-nonce (once).
  qcwy     GET /api/job/search-pc (unsigned)    GET /open/noauth/search-pc    POST /open/noauth/recommend/job-tab-dynamic-wx-mini
           sign = hex HMAC-SHA256(key, path ? query as sent [+ body]); timestamp in seconds,
           300 s. The POST takes the search parameters as a
           compact JSON body and From-Domain 51job_weixin_wxapp. Ads (isAd) are postings; the oracle lists them among the jobs and as ads.
           Repeated postings are counted twice by totalCount, so that a walk of all pages meets every posting. pageSize up to 100.
           filters: function industry salary workYear degree companySize companyType jobType (other parameters are ignored).
  zhilian  POST /c/i/search/positions    GET /c/i/sou    GET /c/i/jobs/position-detailv2?number=
           needs _v, x-zp-page-request-id (300 s), x-zp-client-id, platform, version, headers x-zp-platform 13, x-zp-business-system 1,
           x-zp-action-id (a fresh uuid, equal to body.actionid); at and rt when zhilian.login is on. A search without results says count 0.

control door (header x-sandbox-control: <control token>):
  GET  /_sandbox/catalogue
  GET  /_sandbox/switches[/PLATFORM]       PUT the same with {"name": value} (or {"platform": {"name": value}}) to change some
  POST /_sandbox/oracle                    [{"platform", "text", "city" (name or codes), "pages"?, "page_size"?, "filters"?}] ->
       {"keywords": [{platform, text, city, matching, positions, repeated, capped, jobs, companies, beyond, ads, mutated}],
        "platforms": {name: {jobs, companies}}}
       jobs = what a crawl must store: all matches (a capped search must be split),
       or with pages what those pages show; beyond = matches that
       the plain walk does not show; companies = encryptBrandId / encCoId / companyNumber.
  GET  /_sandbox/answers[?platform=]       per platform: requests, jobs_served, verdicts, causes, kinds, clients [{client, ip, verdicts}],
  last
  GET  /_sandbox/keywords[?platform=]      [{platform, text, city, city_code, jobs}] worth a demo
  POST /_sandbox/reset                     forget clients, quotas, answers and switches ({"switches": false} keeps those)

switches (--switch PLATFORM.NAME=VALUE, or the control door):
"""


def switch_lines() -> str:
    """Every switch with its default, what it takes and what it does; those of all platforms once."""
    shared = set.intersection(*(set(rows) for rows in SWITCHES.values()))
    lines = ["  on every platform:"]
    lines += [_line(name, SWITCHES["boss"][name]) for name in SWITCHES["boss"] if name in shared]
    for platform, rows in SWITCHES.items():
        lines += [f"  {platform}:", _line("ban kinds", rows["ban"])]
        lines += [_line(name, row) for name, row in rows.items() if name not in shared]
    return "\n".join(lines)


def _line(name: str, switch: object) -> str:
    takes = getattr(switch, "takes", "")
    if name in ("ban", "token_quota_ban", "ip_quota_ban"):
        takes = "a ban kind, see below"
    return f"    {name:20} {getattr(switch, 'about', '')}; takes {takes}; default {getattr(switch, 'default', '')!r}"


MANUAL = TEXT + switch_lines()
