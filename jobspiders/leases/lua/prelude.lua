-- What every script starts with. Above this stand, generated: the key names as upper-case constants, NOW (microseconds) and BAND.
-- Lists travel as one JSON text each, in both directions: cheaper than many small arguments. Epochs are texts there: cjson rounds.
local function text(number)
  return string.format('%.0f', number)
end

local function held(worker)
  return HELD .. worker
end

-- The fence of a new claim or worker: grows for ever, also over a failover to an empty Redis, because it is never behind the clock.
local function next_epoch()
  local epoch = math.max(NOW, tonumber(redis.call('HGET', COUNTS, 'epoch') or 0) + 1)
  redis.call('HSET', COUNTS, 'epoch', text(epoch))
  return epoch
end

-- The last place of a priority band. `band` is the number of the band, the lowest first.
local function last_place(band)
  return text(band * BAND + redis.call('HINCRBY', COUNTS, 'seq', 1))
end

local function add_causes(ids, causes)
  if next(causes) == nil then return end
  local known = redis.call('HMGET', CAUSES, unpack(ids))
  for i, id in ipairs(ids) do
    local sums = known[i] and cjson.decode(known[i]) or {}
    for cause, count in pairs(causes) do
      sums[cause] = (sums[cause] or 0) + count
    end
    redis.call('HSET', CAUSES, id, cjson.encode(sums))
  end
end

-- Take leases off a worker that holds them: back into the queue, or to the dead letters after too many attempts.
-- terms: counted (is it an attempt that failed?), keeps_place (or goes to the end of its band), limit, causes
-- Returns one letter per id: q(ueued) or d(ead).
local function release(worker, ids, terms)
  local states = {}
  if #ids == 0 then return states end
  local marks = redis.call('HMGET', MARKS, unpack(ids))
  for i, id in ipairs(ids) do
    local place, attempts, blamed, rest = string.match(marks[i], '^(%S+) (%S+) (%S+) (.*)$')
    blamed = tonumber(blamed) + (terms.counted and 1 or 0)
    local tired = blamed >= terms.limit or tonumber(attempts) >= terms.limit * 10
    if tired then
      redis.call('ZADD', DEAD, text(NOW), id)
    else
      if not terms.keeps_place then place = last_place(math.floor(tonumber(place) / BAND)) end
      redis.call('ZADD', QUEUE, place, id)
    end
    redis.call('HSET', MARKS, id, place .. ' ' .. attempts .. ' ' .. blamed .. ' ' .. rest)
    states[i] = tired and 'd' or 'q'
  end
  redis.call('ZREM', held(worker), unpack(ids))
  add_causes(ids, terms.causes)
  return states
end

local function forget(worker)
  redis.call('ZREM', WORKERS, worker)
  redis.call('DEL', held(worker), WORKER .. worker)
end

-- Look at the deadlines: workers past theirs lose their leases. Lease time passes only while somebody looks: after a silence longer
-- than a lease (Redis was away, its clock was set) the deadlines move by the gap, else the first to come back would rob all others.
local function settle(ttl, limit)
  local gap = NOW - tonumber(redis.call('HGET', COUNTS, 'tick') or NOW)
  redis.call('HSET', COUNTS, 'tick', text(NOW))
  if gap > ttl or gap < 0 then
    for _, worker in ipairs(redis.call('ZRANGE', WORKERS, 0, -1)) do
      redis.call('ZINCRBY', WORKERS, text(gap), worker)
    end
  end
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, '-inf', '(' .. text(NOW))) do
    local ids = redis.call('ZRANGE', held(worker), 0, -1)
    release(worker, ids, { counted = true, keeps_place = true, limit = limit, causes = { worker_lost = 1 } })
    redis.call('HINCRBY', COUNTS, 'reaped', #ids)
    forget(worker)
  end
end

local function is_enlisted(worker, ttl, limit)
  local deadline = redis.call('ZSCORE', WORKERS, worker)
  if deadline and tonumber(deadline) >= NOW then return true end
  if deadline then
    settle(ttl, limit)
    return redis.call('ZSCORE', WORKERS, worker) and true or false
  end
  return false
end

-- `json` is [[id, epoch] ...]: the ids, the epochs and which of them this worker really holds under that epoch.
local function read_leases(worker, json, ttl, limit)
  local ids, epochs, holds = {}, {}, {}
  for i, lease in ipairs(cjson.decode(json)) do
    ids[i] = lease[1]
    epochs[i] = tonumber(lease[2])
  end
  if #ids > 0 and is_enlisted(worker, ttl, limit) then
    local scores = redis.call('ZMSCORE', held(worker), unpack(ids))
    for i = 1, #ids do
      holds[i] = scores[i] and tonumber(scores[i]) == epochs[i] or false
    end
  end
  return ids, epochs, holds
end

-- Queue keywords that are not open, and not done when their run has a name. Returns one letter each: q(ueued), o(pen), c(omplete).
local function push(ids, jsons, bands, is_named)
  local open = redis.call('HMGET', ENTRIES, unpack(ids))
  local done = redis.call('ZMSCORE', DONE, unpack(ids))
  local states, fresh = {}, {}
  for i, id in ipairs(ids) do
    if open[i] or fresh[id] then
      states[i] = 'o'
    elseif done[i] and is_named then
      states[i] = 'c'
    else
      fresh[id] = true
      if done[i] then redis.call('ZREM', DONE, id) end
      redis.call('HSET', ENTRIES, id, jsons[i])
      redis.call('ZADD', QUEUE, last_place(bands[i]), id)
      redis.call('HINCRBY', COUNTS, 'pushed', 1)
      states[i] = 'q'
    end
  end
  return states
end

-- The inbox may be a list, a set or a zset: whichever the operator's tools push to.
local function inbox_kind()
  return redis.call('TYPE', INBOX).ok
end

local function inbox_size()
  local kind = inbox_kind()
  if kind == 'list' then return redis.call('LLEN', INBOX) end
  if kind == 'set' then return redis.call('SCARD', INBOX) end
  if kind == 'zset' then return redis.call('ZCARD', INBOX) end
  return 0
end
