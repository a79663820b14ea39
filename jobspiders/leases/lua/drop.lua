-- Dead letters that nobody wants any more. ARGV: [id ...]. Returns how many.
local count = 0
for _, id in ipairs(cjson.decode(ARGV[1])) do
  if redis.call('ZREM', DEAD, id) == 1 then
    redis.call('HDEL', ENTRIES, id)
    redis.call('HDEL', MARKS, id)
    redis.call('HDEL', CAUSES, id)
    count = count + 1
  end
end
redis.call('HINCRBY', COUNTS, 'dropped', count)
return count
