-- cancelling: ends jobs that wait, wherever they wait. Used by scripts that say USES replies sessions dependents cancelling.

-- Whether a job still stands in an index of those that wait.
local function waits(seq)
  return redis.call('ZSCORE', k_ready, seq) or redis.call('ZSCORE', k_line, seq) or redis.call('ZSCORE', k_scheduled, seq)
      or redis.call('ZSCORE', k_retrying, seq) or redis.call('HEXISTS', k_deferred, seq) == 1
end

-- Cancels waiting jobs: their numbers and their records, outcome included.
local function cancel_waiting(seqs, written, epoch, now)
  if #seqs == 0 then return end
  local ended = {}
  even_without_memory(k_cancels)
  count('cancelled', #seqs, 'finished', #seqs)
  put_records(seqs, written)
  for n = 1, #seqs do
    local header, rest = split(written[n])
    ended[n] = { seqs[n], header, false }
    tell_reply(seqs[n], header, rest)
  end
  redis.call('RPUSH', k_finished, finished_line(now, seqs))
  local woken = tell_dependents(ended, epoch, now)
  sessions_ended(ended, now)
  woken = woken + settle_sessions(now)
  announce()
  announce_replies()
  if woken > 0 then redis.call('PUBLISH', a_control, 'wake') end
  if redis.call('HLEN', k_unread) > 0 then call_many('HDEL', k_unread, seqs) end
  call_many('ZREM', k_ready, seqs)
  call_many('ZREM', k_line, seqs)
  call_many('ZREM', k_scheduled, seqs)
  call_many('ZREM', k_retrying, seqs)
  call_many('HDEL', k_deferred, seqs)
  if redis.call('HLEN', k_sticky) > 0 then call_many('HDEL', k_sticky, seqs) end
end

-- Asks the silos that run these jobs to end them.
local function ask_to_cancel(seqs, reason)
  if #seqs == 0 then return end
  local values = {}
  for i = 1, #seqs do
    values[#values + 1] = seqs[i]
    values[#values + 1] = reason
  end
  call_many('HSET', k_cancels, values)
  redis.call('PUBLISH', a_control, 'cancel ' .. table.concat(seqs, ' '))
end
