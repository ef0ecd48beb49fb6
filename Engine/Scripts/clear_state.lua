-- clear_state: remove a state of a grain if its version is still the one that the writer read.
--
-- KEYS[1]  the state: a hash with the fields "etag" and "data"
-- ARGV[1]  the version that was read; empty when there was no record
--
-- Reply: {1, ''}, or {0, the version in the store; empty for no record} and nothing is removed.
-- Event: none.

local stored = redis.call('HGET', KEYS[1], 'etag') or ''
if stored ~= ARGV[1] then
  return {0, stored}
end
redis.call('UNLINK', KEYS[1])
return {1, ''}
