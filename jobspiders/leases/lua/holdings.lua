-- What a worker holds. ARGV: worker. Returns [id, epoch, id, epoch ...].
return redis.call('ZRANGE', held(ARGV[1]), 0, -1, 'WITHSCORES')
