-- The dead letters, the longest dead first. ARGV: offset, count. Returns [[id, JSON, causes, when] ...].
local listed = redis.call('ZRANGE', DEAD, ARGV[1], ARGV[1] + ARGV[2] - 1, 'WITHSCORES')
local letters = {}
for i = 1, #listed, 2 do
  local id = listed[i]
  letters[#letters + 1] = { id, redis.call('HGET', ENTRIES, id), redis.call('HGET', CAUSES, id) or '{}', listed[i + 1] }
end
return letters
