-- Queue keywords. ARGV: is the run named (0 or 1), keywords as [[id, JSON, band] ...]. The seen-mark is the entry itself.
-- Returns per keyword: 'q' queued, 'o' open already, 'c' complete in this run already.
local ids, jsons, bands = {}, {}, {}
for i, keyword in ipairs(cjson.decode(ARGV[2])) do
  ids[i], jsons[i], bands[i] = unpack(keyword)
end
return cjson.encode(push(ids, jsons, bands, ARGV[1] == '1'))
