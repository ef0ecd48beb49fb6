-- ids: explicit ids. The ids hash maps an id to "number fingerprint expiry" ("-" for a fingerprint that nobody knows any
-- more: it equals every one), or to "x - expiry" for a cancel that came before its job; the idlog list names, in order of expiry,
-- what trim will look at. Used by scripts that say USES ids.

local NEW, DUPLICATE, CONFLICT, CANCELLED, LOST = 0, 1, 2, 3, 4

local function parse_id(value)
  if not value then return nil end
  return string.match(value, '^(%S+) (%S+) (%S+)$')
end

-- What the id says of a job with this number and fingerprint: a verdict, and the number of the job that has the id.
-- An id in the form of the store's own (epoch-number) belongs to the job of that number, whether there is one yet or not.
local function verdict_of(value, seq, fingerprint, id, epoch)
  local owner, print = parse_id(value)
  local prefix = epoch .. '-'
  if not owner and epoch ~= '' and string.sub(id, 1, #prefix) == prefix and string.match(id, '^%d+$', #prefix + 1) then
    return CONFLICT, string.sub(id, #prefix + 1)
  end
  if not owner or owner == seq then return NEW, seq end
  if owner == 'x' then return CANCELLED, seq end
  if print == fingerprint or print == '-' then return DUPLICATE, owner end
  return CONFLICT, owner
end

local function register_ids(rows, expiry)
  local values, log = {}, {}
  for i = 1, #rows do
    values[#values + 1] = rows[i].id
    values[#values + 1] = rows[i].seq .. ' ' .. rows[i].fingerprint .. ' ' .. expiry
    log[#log + 1] = expiry .. ' ' .. rows[i].id
  end
  if #rows > 0 then
    call_many('HSET', k_ids, values)
    call_many('RPUSH', k_idlog, log)
  end
end

-- The number of the job with this id, explicit or the store's own (epoch-number); nil when there is none.
local function find_seq(id, epoch)
  local owner = parse_id(redis.call('HGET', k_ids, id))
  if owner and owner ~= 'x' then return owner end
  local prefix = epoch .. '-'
  if string.sub(id, 1, #prefix) == prefix then return string.match(id, '^%d+$', #prefix + 1) end
  return nil
end
