-- An operator takes keywords from whoever holds them. ARGV: [id ...]. Returns how many were leased.
local count = 0
for _, id in ipairs(cjson.decode(ARGV[1])) do
  local worker = string.match(redis.call('HGET', MARKS, id) or '', '(%S+)$')
  if worker and redis.call('ZSCORE', held(worker), id) then
    release(worker, { id }, { counted = false, keeps_place = true, limit = 1000000, causes = {} })
    count = count + 1
  end
end
return count
