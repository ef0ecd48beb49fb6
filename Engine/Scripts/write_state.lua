-- write_state: write a state of a grain if its version is still the one that the writer read.
--
-- KEYS[1]  the state: a hash with the fields "etag" and "data"
-- ARGV[1]  the version that was read; empty when there was no record
-- ARGV[2]  the new version
-- ARGV[3]  the state's bytes
--
-- Reply: {1, the new version}, or {0, the version in the store; empty for no record} and nothing is written.
-- Event: none.

local stored = redis.call('HGET', KEYS[1], 'etag') or ''
if stored ~= ARGV[1] then
  return {0, stored}
end
redis.call('HSET', KEYS[1], 'etag', ARGV[2], 'data', ARGV[3])
return {1, ARGV[2]}
