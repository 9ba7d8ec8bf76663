-- The two writes that decide who owns a stream's memory. Each runs whole or not at all.
--
-- Keys of a stream share the hash tag {stream}, so that they live on one node of a cluster:
--   fs:{stream}:meta      hash: epoch    the owner's, greater at every claim
--                               version  of the memory in `records`; no field: none yet
--   fs:{stream}:records   hash: record name -> bytes (codec.py)
-- and, not touched here:
--   fs:{stream}:picture:ID  string with a time to live: an evidence picture
--   fs:{stream}:pictures    sorted set: the ids of those, by the Unix second they end in
--   fs:{stream}:mark        string that is gone in a millisecond: see durability.py
--   fs:streams              hash: stream id -> JSON of its spec
--
-- KEYS  1 meta, 2 records
-- ARGV  1 "claim"                                   -> the new epoch
--   or  1 "commit", 2 epoch, 3 version, 4 base ("" if the changes are the whole memory),
--       5 number of records n, then n pairs of name and bytes, then names to remove
--                                                   -> the value of a `Commit`

local meta, records = KEYS[1], KEYS[2]

if ARGV[1] == 'claim' then
  -- The clock keeps an epoch from being given twice should a crash lose the last claim.
  local now = redis.call('TIME')
  local epoch = now[1] * 1000000 + now[2]  -- microseconds, exact in a double until 2255
  local last = tonumber(redis.call('HGET', meta, 'epoch') or 0)
  if epoch <= last then epoch = last + 1 end
  redis.call('HSET', meta, 'epoch', string.format('%.0f', epoch))
  return epoch
end

local epoch, version = tonumber(ARGV[2]), tonumber(ARGV[3])
local stored = redis.call('HMGET', meta, 'epoch', 'version')
local owner, at = tonumber(stored[1] or -1), tonumber(stored[2] or 0)

-- No owner at all: the stream was deleted, and must not come back by a late write.
if owner < 0 or owner > epoch then return 'superseded' end
-- An owner older than the writer means that a crash lost the claim, and maybe more with it.
local known = owner == epoch

if known and version <= at then return 'duplicate' end
if ARGV[4] == '' then
  redis.call('DEL', records)
elseif not known or tonumber(ARGV[4]) ~= at then
  return 'out_of_step'
end

local last = 5 + 2 * tonumber(ARGV[5])
for i = 6, last, 2 do redis.call('HSET', records, ARGV[i], ARGV[i + 1]) end
for i = last + 1, #ARGV do redis.call('HDEL', records, ARGV[i]) end
redis.call('HSET', meta, 'epoch', ARGV[2], 'version', ARGV[3])
return 'committed'
