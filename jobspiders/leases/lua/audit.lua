-- The slow exact check: every open keyword in exactly one place, every place open, nothing left over. Blocks Redis: about 1 s per
-- 300,000 open keywords. Returns one sentence per fault, 50 at most.
local faults, places = {}, {}
local function fault(sentence)
  if #faults < 50 then faults[#faults + 1] = sentence end
end
local function visit(ids, place)
  for _, id in ipairs(ids) do
    if places[id] then fault(id .. ' is ' .. places[id] .. ' and ' .. place) end
    places[id] = place
  end
end

visit(redis.call('ZRANGE', QUEUE, 0, -1), 'queued')
visit(redis.call('ZRANGE', DEAD, 0, -1), 'dead')
for _, worker in ipairs(redis.call('ZRANGE', WORKERS, 0, -1)) do
  visit(redis.call('ZRANGE', held(worker), 0, -1), 'leased to ' .. worker)
end
local open = {}
for _, id in ipairs(redis.call('HKEYS', ENTRIES)) do
  open[id] = true
  if not places[id] then fault(id .. ' is open but in no place: lost') end
end
for id, place in pairs(places) do
  if not open[id] then fault(id .. ' is ' .. place .. ' but has no entry') end
end
for _, id in ipairs(redis.call('HKEYS', MARKS)) do
  if not open[id] then fault(id .. ' is marked but not open') end
end
for _, id in ipairs(redis.call('HKEYS', CAUSES)) do
  if not open[id] then fault(id .. ' has causes but is not open') end
end
local pushed = tonumber(redis.call('HGET', COUNTS, 'pushed') or 0)
local ended = tonumber(redis.call('HGET', COUNTS, 'complete') or 0) + tonumber(redis.call('HGET', COUNTS, 'dropped') or 0)
local count = redis.call('HLEN', ENTRIES)
if pushed ~= ended + count then fault('pushed ' .. pushed .. ', but ' .. ended .. ' ended and ' .. count .. ' are open') end
return faults
