-- A worker goes off duty: what it still holds goes back to its place, as no failed attempt. ARGV: worker, ttl, limit. Returns how many.
local worker, ttl, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if not is_enlisted(worker, ttl, limit) then return 0 end
local ids = redis.call('ZRANGE', held(worker), 0, -1)
release(worker, ids, { counted = false, keeps_place = true, limit = limit, causes = {} })
forget(worker)
return #ids
