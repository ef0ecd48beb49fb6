-- purge: forgets dead letters for good.
--
-- USES   sessions
-- KEYS   meta:hash running:hash dead:zset ready:zset line:zset sessions:hash members:zset sessiondue:zset sticky:hash jobs:hash*16
-- ARGV   events control
-- ITEMS  seq
-- REPLY  status purged
-- EVENT  purged seq …

local given, seqs = each_once(FIRST, 1), {}
for i = 1, #given do
  if redis.call('ZSCORE', k_dead, given[i]) then seqs[#seqs + 1] = given[i] end
end
local bad = session_policy() and any_wrong_shard() or wrong_shard(seqs)
if bad then return bad end
if #seqs > 0 then
  even_without_memory(k_sessions)
  local rows = {}
  if session_policy() then
    local records = get_records(seqs)
    for n = 1, #seqs do rows[#rows + 1] = records[n] and { seqs[n], (split(records[n])) } or nil end
  end
  local now = server_now()
  sessions_released(rows, now, 'gone')
  if settle_sessions(now) > 0 then redis.call('PUBLISH', a_control, 'wake') end
  drop_records(seqs)
  count('purged', #seqs)
  redis.call('PUBLISH', a_events, 'purged ' .. table.concat(seqs, ' '))
  call_many('ZREM', k_dead, seqs)
end
return { OK, #seqs }
