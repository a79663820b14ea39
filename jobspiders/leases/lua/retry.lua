-- Dead letters back into the queue with a clean slate; their causes stay readable until they are complete. ARGV: [id ...]. Returns how many.
local count = 0
for _, id in ipairs(cjson.decode(ARGV[1])) do
  if redis.call('ZREM', DEAD, id) == 1 then
    local place = string.match(redis.call('HGET', MARKS, id), '^%S+')
    redis.call('HDEL', MARKS, id)
    redis.call('ZADD', QUEUE, last_place(math.floor(tonumber(place) / BAND)), id)
    count = count + 1
  end
end
return count
