-- Keywords whose rows are stored. ARGV: worker, ttl, limit, leases as [[id, epoch] ...].
-- Returns per lease: 1 complete now, 2 was complete already under this very lease (an answer got lost), 0 the lease is stale.
local worker = ARGV[1]
local ids, epochs, holds = read_leases(worker, ARGV[4], tonumber(ARGV[2]), tonumber(ARGV[3]))
local results, finished, done = {}, {}, {}
for i, id in ipairs(ids) do
  if holds[i] then
    results[i] = 1
    finished[#finished + 1] = id
    done[#done + 1] = text(epochs[i])
    done[#done + 1] = id
    for j = i + 1, #ids do -- the same lease twice in one call counts once
      if ids[j] == id then holds[j] = false end
    end
  end
end
if #finished > 0 then
  redis.call('ZREM', held(worker), unpack(finished))
  redis.call('HDEL', ENTRIES, unpack(finished))
  redis.call('HDEL', MARKS, unpack(finished))
  redis.call('HDEL', CAUSES, unpack(finished))
  redis.call('ZADD', DONE, unpack(done))
  redis.call('HINCRBY', COUNTS, 'complete', #finished)
end
for i, id in ipairs(ids) do
  if not results[i] then
    local by = redis.call('ZSCORE', DONE, id)
    results[i] = by and tonumber(by) == epochs[i] and 2 or 0
    if results[i] == 0 then redis.call('HINCRBY', COUNTS, 'stale', 1) end
  end
end
return cjson.encode(results)
