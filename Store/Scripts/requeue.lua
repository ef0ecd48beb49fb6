-- requeue: gives ended jobs another life with fresh budgets: dead letters under their own number, at the place in the
-- order that this gives them; completed and cancelled jobs under a new number, since retention knows the old one.
--
-- USES   ids
-- KEYS   meta:hash ids:hash idlog:list ready:zset dead:zset finished:list jobs:hash*16
-- ARGV   events control id_window
-- ITEMS  seq edited payload
--        edited: 1 when payload replaces the job's, 0 to keep it
-- REPLY  status epoch verdicts[] seqs[]: for each item requeued, live (not ended) or unknown; and its number now
-- EVENT  queued seq …

local meta = redis.call('HMGET', k_meta, 'epoch', 'seq')
local epoch, last = meta[1] or '', tonumber(meta[2] or '0')
local now = server_now()
local seqs, possible = {}, {}
for i = FIRST, #ARGV, 3 do
  seqs[#seqs + 1] = ARGV[i]
  possible[#seqs] = last + #seqs
end
local bad = wrong_shard(seqs) or wrong_shard(possible)
if bad then return bad end

local records = get_records(seqs)
local verdicts, names, put, written, ready, dead, old, register = {}, {}, {}, {}, {}, {}, {}, {}
for n = 1, #seqs do
  local i = FIRST + (n - 1) * 3
  local verdict, seq = 'unknown', seqs[n]
  if records[n] then
    local header_text, rest = split(records[n])
    local header = cjson.decode(header_text)
    if not (header.st == 'c' or header.st == 'd' or header.st == 'x') then
      verdict = 'live'
    else
      verdict = 'requeued'
      local payload = string.sub(rest, 2)
      if header.n then payload = string.sub(payload, 1, header.n) end
      if ARGV[i + 1] == '1' then
        payload = ARGV[i + 2]
        header.raw = 1
      end
      if header.st == 'd' then
        dead[#dead + 1] = seq
      else
        last = last + 1
        old[#old + 1] = seq
        header.id = header.id or (epoch .. '-' .. seq)
        seq = text(last)
        register[#register + 1] = { id = header.id, seq = seq, fingerprint = '-' }
      end
      header.st, header.t0, header.t1, header.why, header.n = nil, nil, nil, nil, nil
      header.a, header.lost, header.oom, header.due = nil, nil, nil, nil
      header_text = cjson.encode(header)
      put[#put + 1] = seq
      written[#written + 1] = header_text .. '\n' .. payload
      ready[#ready + 1] = ready_score(priority_of(header_text), seq)
      ready[#ready + 1] = seq
    end
  end
  verdicts[n], names[n] = verdict, seq
end

if #put > 0 then
  redis.call('HSET', k_meta, 'seq', text(last))
  put_records(put, written)
  for n = 1, #register do
    local _, print = parse_id(redis.call('HGET', k_ids, register[n].id))
    register[n].fingerprint = print or '-'
  end
  register_ids(register, text(now + tonumber(a_id_window)))
  call_many('ZADD', k_ready, ready)
  count('requeued', #put, 'finished', -#old)
  redis.call('PUBLISH', a_events, 'queued ' .. table.concat(put, ' '))
  redis.call('PUBLISH', a_control, 'wake')
  if #old > 0 then drop_records(old) end
  if #dead > 0 then call_many('ZREM', k_dead, dead) end
end
return { OK, epoch, verdicts, names }
