-- Which leases are current? ARGV: worker, ttl, limit, leases as [[id, epoch] ...]. Returns 1 or 0 per lease.
local ids, _, holds = read_leases(ARGV[1], ARGV[4], tonumber(ARGV[2]), tonumber(ARGV[3]))
local results = {}
for i = 1, #ids do
  results[i] = holds[i] and 1 or 0
end
return cjson.encode(results)
