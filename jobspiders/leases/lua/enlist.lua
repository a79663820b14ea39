-- A worker reports for duty. ARGV: ttl, limit, its description as JSON. Returns its number.
local ttl, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
settle(ttl, limit)
local worker = text(next_epoch())
redis.call('ZADD', WORKERS, text(NOW + ttl), worker)
redis.call('HSET', WORKER .. worker, 'node', ARGV[3], 'since', text(NOW), 'claim', 0)
return worker
