-- One request's place in the budgets of the fleet.
-- KEYS: the platform's budget, the exit's budget (each the start of the request after the last one), the limits that an operator set.
-- ARGV: how far ahead a place may be reserved; the platform's interval, the exit's interval (0: no limit), the burst. Microseconds all.
-- Returns the microseconds to wait with a place reserved, or -1 - wait when it is further ahead: come back then, nothing is reserved.
-- The horizon keeps one slow exit from reserving the platform's budget far into the future.
local horizon, burst = tonumber(ARGV[1]), tonumber(ARGV[4])
local limits = redis.call('HMGET', KEYS[3], 'platform', 'egress')
local intervals = { tonumber(limits[1] or ARGV[2]), tonumber(limits[2] or ARGV[3]) }
local wait, starts = 0, {}
for i = 1, 2 do
  starts[i] = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), NOW - burst)
  wait = math.max(wait, starts[i] - NOW)
end
if wait > horizon then return -1 - wait end
for i = 1, 2 do
  if intervals[i] > 0 then
    local start = math.max(starts[i], NOW + wait - burst) + intervals[i]
    redis.call('SET', KEYS[i], string.format('%.0f', start), 'PX', math.max(0, math.ceil((start - NOW) / 1000)) + 60000)
  end
end
return wait
