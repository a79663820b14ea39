-- Nobody asks through these exits for a while (a platform named the time). KEYS: the budgets. ARGV: microseconds.
for _, key in ipairs(KEYS) do
  local start = math.max(tonumber(redis.call('GET', key) or 0), NOW + tonumber(ARGV[1]))
  redis.call('SET', key, string.format('%.0f', start), 'PX', math.ceil((start - NOW) / 1000) + 60000)
end
return 1
