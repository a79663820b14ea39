-- Messages of the inbox become keywords in the queue, each in the same step that takes it out of the inbox.
-- ARGV: [[message, is the run named, id, JSON, band] ...]; an empty id: unreadable, and JSON says why.
-- Returns per message: a letter of push, 'u' unreadable, '' somebody else took it.
local function take(message)
  local kind = inbox_kind()
  if kind == 'list' then return redis.call('LREM', INBOX, 1, message) == 1 end
  if kind == 'set' then return redis.call('SREM', INBOX, message) == 1 end
  if kind == 'zset' then return redis.call('ZREM', INBOX, message) == 1 end
  return false
end

local results = {}
for i, row in ipairs(cjson.decode(ARGV[1])) do
  local message, is_named, id, json, band = unpack(row)
  local state = ''
  if take(message) then
    if id == '' then
      redis.call('RPUSH', UNREADABLE, json)
      redis.call('LTRIM', UNREADABLE, -1000, -1)
      state = 'u'
    else
      state = push({ id }, { json }, { band }, is_named)[1]
    end
  end
  results[i] = state
end
return cjson.encode(results)
