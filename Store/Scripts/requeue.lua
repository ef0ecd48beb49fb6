-- requeue: gives ended jobs another life with fresh budgets: dead letters under their own number, at the place in the
-- order that this gives them; completed and cancelled jobs under a new number, since retention knows the old one.
--
-- USES   ids sessions
-- KEYS   meta:hash running:hash ids:hash idlog:list ready:zset dead:zset line:zset sessions:hash members:zset sessiondue:zset sticky:hash jobs:hash*16
-- ARGV   events control id_window
-- ITEMS  seq edited payload
--        edited: 1 when payload replaces the job's, 0 to keep it
-- REPLY  status epoch verdicts[] seqs[]: for each item requeued, live (not ended), conflict (a later job has its id)
--        or unknown; and its number now
-- EVENT  queued seq …; on the control channel: wake

local meta = redis.call('HMGET', k_meta, 'epoch', 'seq')
local epoch, last = meta[1] or '', last_number(meta[2], meta[1])
local now = server_now()
local seqs, at = each_once(FIRST, 3)
local possible, owners = {}, {}
for n = 1, #seqs do possible[n] = last + n end
local bad = session_policy() and any_wrong_shard() or wrong_shard(seqs) or wrong_shard(possible)
if bad then return bad end

local records = get_records(seqs)
local headers, ids, known = {}, {}, {}
for n = 1, #seqs do
  local header = records[n] and cjson.decode((split(records[n])))
  headers[n] = header
  if header then
    ids[n] = header.id or (epoch .. '-' .. seqs[n])
    known[n] = redis.call('HGET', k_ids, ids[n]) or ''
    owners[#owners + 1] = string.match(known[n], '^%d+')
  end
end
bad = wrong_shard(owners)
if bad then return bad end

-- The number under which an earlier try of this step, which ended in the midst, has written the job already.
local function number_of_earlier_try(owner, seq)
  local record = get_records({ owner })[1]
  return record and string.match((split(record)), '"rq":(%d+)') == seq and owner or nil
end

local verdicts, names, put, written, lives, edited, dead, old, register = {}, {}, {}, {}, {}, {}, {}, {}, {}
local width = (#ARGV - FIRST + 1) / 3
local first = last
for n = 1, #seqs do
  local i, header, seq = at[n], headers[n], seqs[n]
  local owner, print = parse_id(known[n])
  local other = owner and owner ~= 'x' and owner ~= seq
  local verdict, number = 'requeued', nil
  if not header then
    verdict = 'unknown'
  elseif not header.st and not redis.call('ZSCORE', k_dead, seq) then
    verdict = 'live'
  elseif header.st == 'c' or header.st == 'x' then
    number = other and number_of_earlier_try(owner, seq)
    if other and not number then
      verdict = 'conflict'
    elseif not number then
      last = last + 1
      number = text(last)
    end
    if verdict == 'requeued' then
      header.id = ids[n]
      header.rq = tonumber(seq)
      old[#old + 1] = seq
    end
  elseif other then
    verdict = 'conflict'
  else
    number = seq
    dead[#dead + 1] = seq
  end
  if verdict == 'requeued' and redis.call('HEXISTS', k_running, number) == 0 then
    local _, rest = split(records[n])
    local payload = string.sub(rest, 2)
    if header.n then payload = string.sub(payload, 1, header.n) end
    if ARGV[i + 1] == '1' then
      payload = ARGV[i + 2]
      header.raw = 1
    end
    if ARGV[i + 1] == '1' then
      edited[#edited + 1] = { number, (split(records[n])) }
      header.sid, header.sq, header.sn, header.se = nil, nil, nil, nil
    end
    header.st, header.t0, header.t1, header.why, header.n, header.pr, header.w = nil, nil, nil, nil, nil, nil, nil
    header.a, header.lost, header.oom, header.due, header.exp = nil, nil, nil, nil, nil
    local header_text = encode(header)
    put[#put + 1] = number
    written[#written + 1] = header_text .. '\n' .. payload
    if header.id then register[#register + 1] = { id = header.id, seq = number, fingerprint = owner and owner ~= 'x' and print or '-' } end
    lives[#lives + 1] = { number, header_text }
    note('queued', number)
  end
  verdicts[n], names[n] = verdict, number or seq
end

if #put + #old > 0 then
  note_last(meta[2], first, epoch)
  count('requeued', #put, 'finished', -#old)
  if #put > 0 then put_records(put, written) end
  if last > first then redis.call('HSET', k_meta, 'seq', text(last)) end
  register_ids(register, text(now + tonumber(a_id_window)))
  sessions_released(edited, now, 'edited')
  local hold = sessions_released(lives, now, 'again')
  for n = 1, #lives do
    local number, header_text = lives[n][1], lives[n][2]
    if hold[number] or not line_up(number, header_text, now) then
      redis.call('ZADD', k_ready, ready_score(priority_of(header_text), number), number)
    end
  end
  settle_sessions(now)
  announce()
  redis.call('PUBLISH', a_control, 'wake')
  if #old > 0 then drop_records(old) end
  if #dead > 0 then call_many('ZREM', k_dead, dead) end
end
-- An item named twice gets the reply of the first.
local all_verdicts, all_names, by_seq = {}, {}, {}
for n = 1, #seqs do by_seq[seqs[n]] = n end
for n = 1, width do
  local of = by_seq[ARGV[FIRST + (n - 1) * 3]]
  all_verdicts[n], all_names[n] = verdicts[of], names[of]
end
return { OK, epoch, all_verdicts, all_names }
