-- The figures of the conservation law, and who is on duty. ARGV: nothing; or microseconds: an empty answer to everybody who asks so
-- within them of the last one who got an answer. Of a large fleet one node looks, and its cost grows with the nodes, not their square.
-- Returns [[name, figure, ...], [worker, its description, its deadline, leases held] ...]. NOW is among the figures.
if ARGV[1] then
  local since = NOW - tonumber(redis.call('HGET', COUNTS, 'looked') or 0)
  if since >= 0 and since < tonumber(ARGV[1]) then return {} end
  redis.call('HSET', COUNTS, 'looked', text(NOW))
end
local workers = {}
local leased = 0
local deadlines = redis.call('ZRANGE', WORKERS, 0, -1, 'WITHSCORES')
for i = 1, #deadlines, 2 do
  local holds = redis.call('ZCARD', held(deadlines[i]))
  leased = leased + holds
  workers[#workers + 1] = { deadlines[i], redis.call('HGET', WORKER .. deadlines[i], 'node'), deadlines[i + 1], holds }
end
local figures = { 'now', text(NOW), 'queued', redis.call('ZCARD', QUEUE), 'leased', leased, 'dead', redis.call('ZCARD', DEAD) }
for _, name in ipairs({ 'pushed', 'complete', 'dropped', 'reaped', 'stale', 'epoch' }) do
  figures[#figures + 1] = name
  figures[#figures + 1] = redis.call('HGET', COUNTS, name) or '0'
end
for name, figure in pairs({
  open = redis.call('HLEN', ENTRIES),
  inbox = inbox_size(),
  unreadable = redis.call('LLEN', UNREADABLE),
}) do
  figures[#figures + 1] = name
  figures[#figures + 1] = figure
end
return { figures, workers }
