-- waiting: how many jobs wait for something else than a free slot: for their time, for other jobs, for another attempt.
-- Used by scripts that say USES waiting.

local function waiting_count()
  return redis.call('ZCARD', k_scheduled) + redis.call('ZCARD', k_retrying) + redis.call('HLEN', k_deferred)
end
