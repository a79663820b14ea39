-- One heartbeat for all leases of a worker, a look at everybody's deadlines, and a claim when `want` > 0.
-- ARGV: worker, ttl, limit, number of this claim (grows by one; the same number again repeats the answer), want, retention.
-- Returns [is_enlisted, leases held, microseconds until the next deadline, keywords queued or leased anywhere, messages in the inbox,
--          epoch, claims as [[id, keyword, attempt] ...]]
local worker, ttl, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local number, want = tonumber(ARGV[4]), tonumber(ARGV[5])
settle(ttl, limit)
if not redis.call('ZSCORE', WORKERS, worker) then return { 0 } end
redis.call('ZADD', WORKERS, text(NOW + ttl), worker)

-- Returns ids and the attempt each is at.
local function claim(epoch)
  local popped = redis.call('ZPOPMIN', QUEUE, want)
  local ids, tries = {}, {}
  for i = 1, #popped, 2 do
    ids[#ids + 1] = popped[i]
  end
  if #ids == 0 then return ids, tries end
  local marks = redis.call('HMGET', MARKS, unpack(ids))
  local held_now, marks_now = {}, {}
  for i, id in ipairs(ids) do
    local attempts, blamed = 0, '0'
    if marks[i] then attempts, blamed = string.match(marks[i], '^%S+ (%S+) (%S+)') end
    tries[i] = attempts + 1
    held_now[#held_now + 1] = text(epoch)
    held_now[#held_now + 1] = id
    marks_now[#marks_now + 1] = id
    marks_now[#marks_now + 1] = popped[2 * i] .. ' ' .. tries[i] .. ' ' .. blamed .. ' ' .. text(NOW) .. ' ' .. worker
  end
  redis.call('ZADD', held(worker), unpack(held_now))
  redis.call('HSET', MARKS, unpack(marks_now))
  return ids, tries
end

-- The answer to the last claim was lost on its way: what of it is still held.
local function claimed_before(epoch)
  local ids, tries = redis.call('ZRANGEBYSCORE', held(worker), epoch, epoch), {}
  for i, id in ipairs(ids) do
    tries[i] = string.match(redis.call('HGET', MARKS, id), '^%S+ (%S+)')
  end
  return ids, tries
end

local ids, tries, epoch = {}, {}, 0
if want > 0 then
  local last = redis.call('HMGET', WORKER .. worker, 'claim', 'epoch')
  if number > tonumber(last[1]) then
    epoch = next_epoch()
    redis.call('HSET', WORKER .. worker, 'claim', number, 'epoch', text(epoch))
    ids, tries = claim(epoch)
  elseif number == tonumber(last[1]) then
    epoch = tonumber(last[2])
    ids, tries = claimed_before(last[2])
  end
else
  redis.call('ZREMRANGEBYSCORE', DONE, '-inf', text(NOW - tonumber(ARGV[6])))
end

local first = redis.call('ZRANGE', WORKERS, 0, 0, 'WITHSCORES')
local open = redis.call('HLEN', ENTRIES) - redis.call('ZCARD', DEAD)
local claims = {}
if #ids > 0 then
  for i, json in ipairs(redis.call('HMGET', ENTRIES, unpack(ids))) do
    claims[i] = '[' .. cjson.encode(ids[i]) .. ',' .. json .. ',' .. tries[i] .. ']'
  end
end
local answer = '[' .. table.concat(claims, ',') .. ']'
return { 1, redis.call('ZCARD', held(worker)), tonumber(first[2]) - NOW, open, inbox_size(), epoch, answer }
