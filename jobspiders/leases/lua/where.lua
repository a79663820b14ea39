-- Where is a keyword? ARGV: [id ...]. Returns per id: [state, JSON, marks, causes, rank in the queue, epoch, node, deadline, NOW].
local answers = {}
for i, id in ipairs(cjson.decode(ARGV[1])) do
  local json = redis.call('HGET', ENTRIES, id) or ''
  local mark = redis.call('HGET', MARKS, id) or ''
  local worker = string.match(mark, '(%S+)$') or ''
  local rank, epoch, node, deadline = redis.call('ZRANK', QUEUE, id) or '', '', '', ''
  local state = 'unknown'
  if json == '' then
    epoch = redis.call('ZSCORE', DONE, id) or ''
    state = epoch ~= '' and 'complete' or 'unknown'
  elseif rank ~= '' then
    state = 'queued'
  elseif redis.call('ZSCORE', DEAD, id) then
    state = 'dead'
  else
    epoch = redis.call('ZSCORE', held(worker), id) or ''
    state = epoch ~= '' and 'leased' or 'lost'
    node = redis.call('HGET', WORKER .. worker, 'node') or ''
    deadline = redis.call('ZSCORE', WORKERS, worker) or ''
  end
  answers[i] = { state, json, mark, redis.call('HGET', CAUSES, id) or '', rank, epoch, node, deadline, text(NOW) }
end
return answers
