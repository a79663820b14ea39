-- Keywords to be run again. ARGV: worker, ttl, limit, counted (0, 1, or final: give up), keeps_place (0 or 1), causes as JSON,
-- leases as [[id, epoch] ...].
-- Returns per lease: 'q' queued again, 'd' given up, '' the lease is stale.
local worker, limit = ARGV[1], tonumber(ARGV[3])
if ARGV[4] == 'final' then limit = 1 end
local ids, _, holds = read_leases(worker, ARGV[7], tonumber(ARGV[2]), tonumber(ARGV[3]))
local mine, results, seen = {}, {}, {}
for i, id in ipairs(ids) do
  if holds[i] and not seen[id] then
    seen[id] = true
    mine[#mine + 1] = id
  end
end
local terms = { counted = ARGV[4] ~= '0', keeps_place = ARGV[5] == '1', limit = limit, causes = cjson.decode(ARGV[6]) }
for i, state in ipairs(release(worker, mine, terms)) do
  seen[mine[i]] = state
end
for i, id in ipairs(ids) do
  results[i] = holds[i] and seen[id] or ''
end
return cjson.encode(results)
