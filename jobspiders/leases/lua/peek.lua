-- The next messages of the inbox. ARGV: how many. They stay there until `intake` takes each.
local kind, count = inbox_kind(), tonumber(ARGV[1])
if kind == 'list' then return redis.call('LRANGE', INBOX, 0, count - 1) end
if kind == 'set' then return redis.call('SRANDMEMBER', INBOX, count) end
if kind == 'zset' then return redis.call('ZREVRANGE', INBOX, 0, count - 1) end
return {}
