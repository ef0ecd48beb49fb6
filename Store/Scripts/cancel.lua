-- cancel: cancels jobs by id. A job that waits is cancelled at once; of one that runs, the silo is told; an id that
-- nobody has seen yet is remembered, so that its job is cancelled when it comes.
--
-- USES   ids dependents
-- KEYS   meta:hash running:hash cancels:hash ids:hash idlog:list ready:zset scheduled:zset retrying:zset deferred:hash waiters:hash dead:zset finished:list jobs:hash*16
-- ARGV   events control id_window reason
-- ITEMS  id
-- REPLY  status epoch verdicts[]: for each id cancelled, requested, ended (too late), remembered, or unknown (an id of
--        the store's own that it does not have)
-- EVENT  cancelled seq …; on the control channel: cancel seq …

local epoch = redis.call('HGET', k_meta, 'epoch') or ''
local now = server_now()
local seqs, places = {}, {}
local verdicts, remember = {}, {}
for i = FIRST, #ARGV do
  local seq = find_seq(ARGV[i], epoch)
  if seq then
    seqs[#seqs + 1] = seq
    places[#seqs] = i - FIRST + 1
  elseif string.match(ARGV[i], '^%w+%-%d+$') and redis.call('HEXISTS', k_ids, ARGV[i]) == 0 and epoch ~= ''
      and string.sub(ARGV[i], 1, #epoch + 1) == epoch .. '-' then
    verdicts[i - FIRST + 1] = 'unknown'
  else
    remember[#remember + 1] = ARGV[i]
    verdicts[i - FIRST + 1] = 'remembered'
  end
end
local bad = wrong_shard(seqs) or wrong_dependents()
if bad then return bad end

local records, running = get_records(seqs), get_many(k_running, seqs)
local ask, gone, written, ended = {}, {}, {}, {}
for n = 1, #seqs do
  local verdict = 'unknown'
  if running[n] then
    ask[#ask + 1] = seqs[n]
    verdict = 'requested'
  elseif records[n] then
    local header_text, rest = split(records[n])
    local header = cjson.decode(header_text)
    if header.st == 'c' or header.st == 'd' or header.st == 'x' then
      verdict = 'ended'
    else
      header.st, header.t1 = 'x', now
      if a_reason ~= '' then header.why = a_reason end
      header_text = cjson.encode(header)
      gone[#gone + 1] = seqs[n]
      written[#written + 1] = header_text .. rest
      ended[#ended + 1] = { seqs[n], header_text, false }
      verdict = 'cancelled'
    end
  end
  verdicts[places[n]] = verdict
end

if #remember > 0 then
  local expiry, values, log = text(now + tonumber(a_id_window)), {}, {}
  for i = 1, #remember do
    values[#values + 1] = remember[i]
    values[#values + 1] = 'x - ' .. expiry
    log[#log + 1] = expiry .. ' ' .. remember[i]
  end
  call_many('HSET', k_ids, values)
  call_many('RPUSH', k_idlog, log)
end
if #ask > 0 then
  local values = {}
  for i = 1, #ask do
    values[#values + 1] = ask[i]
    values[#values + 1] = a_reason
  end
  call_many('HSET', k_cancels, values)
  redis.call('PUBLISH', a_control, 'cancel ' .. table.concat(ask, ' '))
end
if #gone > 0 then
  put_records(gone, written)
  redis.call('RPUSH', k_finished, finished_line(now, gone))
  local woken, buried = tell_dependents(ended, epoch, now)
  count('cancelled', #gone, 'finished', #gone, 'dead', buried)
  redis.call('PUBLISH', a_events, 'cancelled ' .. table.concat(gone, ' '))
  call_many('ZREM', k_ready, gone)
  call_many('ZREM', k_scheduled, gone)
  call_many('ZREM', k_retrying, gone)
  call_many('HDEL', k_deferred, gone)
end
return { OK, epoch, verdicts }
