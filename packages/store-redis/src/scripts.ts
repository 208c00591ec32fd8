import { createHash } from 'node:crypto';

/**
 * What scripts have in common. The first four keys are always the state, and the sorted sets of the keys, prefixes and tags that were
 * invalidated: a member's score is the epoch of its last invalidation. Each set has the mark of the state as a member; its
 * score is the floor, and what is older is void. A set without it has been lost, and voids all that is older than now.
 *
 * The state counts on the server alone where it was written, as long as that is the master it was: a restart may bring back an older
 * state together with older entries, and so may a replica that is promoted. The server's replication id is another one after each of these.
 * A replica has none of its own, and answers nothing.
 *
 * Each script may run twice: a client sends a command again when the connection broke before the answer.
 */
const common = `
local S, K, P, T = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local function text(n) return string.format('%.0f', n) end
local function num(s) if s == 'inf' then return math.huge end return tonumber(s) end
local function time()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + tonumber(t[2]) / 1000
end
local function clock(told) if told ~= '' then return tonumber(told) end return time() end
local here
local function origin()
  if here then return here end
  local told = redis.call('INFO', 'replication')
  local id = string.find(told, 'role:slave', 1, true) and '' or string.match(told, 'master_replid:(%x+)')
  if not id then error('this server does not tell its replication id, by which it is known that nothing was undone') end
  here = string.sub(id, 1, 16)
  return here
end
local function read()
  local found = redis.call('GET', S)
  if not found then return nil end
  local mark, author, epoch, cleared, pending = string.match(found, '^R2 (%w+) (%x+) (%d+) (%d+);(.*)$')
  if not mark then
    if string.match(found, '^R1 %w+ %d+ %d+;') then return nil end
    error('the state is not of this release: give the store another prefix')
  end
  if author ~= origin() then return nil end
  return { mark = mark, epoch = tonumber(epoch), cleared = tonumber(cleared), pending = pending }
end
local function save(st)
  redis.call('SET', S, 'R2 ' .. st.mark .. ' ' .. origin() .. ' ' .. text(st.epoch) .. ' ' .. text(st.cleared) .. ';' .. st.pending)
end
local function ensure(st, set)
  if not redis.call('ZSCORE', set, st.mark) then
    redis.call('DEL', set)
    redis.call('ZADD', set, text(st.epoch), st.mark)
  end
end
local function open(candidate)
  local st = read()
  if st then return st end
  st = { mark = candidate, epoch = 1, cleared = 0, pending = '' }
  redis.call('DEL', K, P, T)
  if origin() == '' then error('this server is a replica') end
  ensure(st, K) ensure(st, P) ensure(st, T)
  save(st)
  return st
end
local function raise(st)
  ensure(st, K) ensure(st, P) ensure(st, T)
  st.epoch = st.epoch + 1
end
local function fence(st, set, member, most)
  redis.call('ZADD', set, text(st.epoch), member)
  if redis.call('ZCARD', set) > most then
    local at = math.max(1, math.floor(most / 100))
    local floor = redis.call('ZRANGE', set, at, at, 'WITHSCORES')[2]
    redis.call('ZREMRANGEBYSCORE', set, '-inf', floor)
    redis.call('ZADD', set, floor, st.mark)
  end
end
local function begins(s, prefix) return string.sub(s, 1, #prefix) == prefix end
local function below(st, set, epoch)
  local floor = tonumber(redis.call('ZSCORE', set, st.mark) or st.epoch)
  return epoch < floor
end
local function fenced(set, member, epoch)
  local score = redis.call('ZSCORE', set, member)
  return score and tonumber(score) > epoch
end
local function cleared(st, epoch, id)
  if epoch < st.cleared then return true end
  local at = 1
  while at <= #st.pending do
    local _, stop, since, length = string.find(st.pending, '^(%d+) (%d+):', at)
    if not stop then error('the state is damaged: delete that key, which voids all entries') end
    at = stop + tonumber(length) + 1
    if epoch < tonumber(since) and begins(id, string.sub(st.pending, stop + 1, at - 1)) then return true end
  end
  return false
end
local function prefixed(st, epoch, id)
  if epoch < st.cleared then return true end
  if epoch == st.epoch then return false end
  if below(st, P, epoch) then return true end
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', P, '(' .. text(epoch), '+inf')) do
    if member ~= st.mark and begins(id, string.sub(member, 2)) then return true end
  end
  return false
end
local function tagged(st, epoch, tags)
  if epoch == st.epoch or #tags == 0 then return false end
  if below(st, T, epoch) then return true end
  for _, tag in ipairs(tags) do if fenced(T, tag, epoch) then return true end end
  return false
end
local function unpackTags(bytes, at)
  local tags = {}
  local count = struct.unpack('<I4', bytes, at)
  at = at + 4
  for index = 1, count do
    local length = string.byte(bytes, at)
    tags[index] = string.sub(bytes, at + 1, at + length)
    at = at + 1 + length
  end
  return tags
end
local function overtaken(st, mark, epoch, key, id, tags)
  if mark ~= st.mark or epoch > st.epoch or epoch < st.cleared then return true end
  if epoch == st.epoch then return false end
  return below(st, K, epoch) or fenced(K, key, epoch) or prefixed(st, epoch, id) or tagged(st, epoch, tags)
end
local function head(key)
  local bytes = redis.pcall('GETRANGE', key, 0, 81)
  if type(bytes) ~= 'string' or #bytes < 82 or string.byte(bytes, 1) ~= 1 then return nil end
  local length = struct.unpack('<I4', bytes, 3)
  if length > 82 then bytes = redis.call('GETRANGE', key, 0, length - 1) end
  return bytes
end
local function isVoid(st, bytes, id)
  if not st or string.sub(bytes, 7, 30) ~= st.mark then return true end
  local epoch = struct.unpack('<d', bytes, 31)
  return cleared(st, epoch, id) or tagged(st, epoch, unpackTags(bytes, 79))
end
local function idOf(key) return string.sub(key, #S + 2) end
local function doubles(...) return struct.pack('<dddddd', ...) end
`;

/** A script, and by which name the server keeps it. */
export interface Script {
  readonly text: string;
  readonly digest: string;
  /** Whether it has to be done where the memory is full: it takes little, and more would be held without it. */
  readonly frees: boolean;
}

function script(body: string, frees: boolean = false): Script {
  const text = common + body;
  return { text, digest: createHash('sha1').update(text).digest('hex'), frees };
}

/**
 * Entries' keys; answers the text of the state where it counts here, each entry that no tag of its own has voided, the server's time, and
 * its origin.
 */
export const readScript: Script = script(`
local keys = { S }
for index = 5, #KEYS do keys[index - 3] = KEYS[index] end
local values = redis.call('MGET', unpack(keys))
local st = read()
if not st then values[1] = false end
for index = 2, #keys do
  local value = values[index]
  if value and #value >= 82 and string.byte(value, 1) == 1 and string.byte(value, 2) % 2 == 1 then
    if isVoid(st, value, idOf(keys[index])) then values[index] = false end
  end
end
values[#keys + 1] = string.format('%.3f', time())
values[#keys + 2] = origin()
return values`);

/** A mark to use where there is none. Answers mark, epoch, the server's time, and its origin. */
export const beginScript: Script = script(`
local st = open(ARGV[1])
return { st.mark, text(st.epoch), string.format('%.3f', time()), origin() }`);

/**
 * Keys: the entry, its lease, and where it is noted that this has been done. Writes an entry; without an envelope, removes what is
 * there. Answers whether it was not refused, the server's time, and its origin.
 */
export const writeScript: Script = script(`
local E, L, O = KEYS[5], KEYS[6], KEYS[7]
local candidate, told, mark, epoch, key = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local age, fresh, stale, idle, tagBytes, envelope = num(ARGV[6]), num(ARGV[7]), num(ARGV[8]), num(ARGV[9]), ARGV[10], ARGV[11]
local sentAt, most, token = ARGV[12], tonumber(ARGV[13]), ARGV[14]
local st = open(candidate)
local server = time()
local tags = unpackTags(tagBytes, 1)
local answer = function(kept) return { kept, string.format('%.3f', server), origin() } end
if mark ~= '' then
  epoch = tonumber(epoch)
  if overtaken(st, mark, epoch, key, idOf(E), tags) then return answer(0) end
else
  if redis.call('EXISTS', O) == 1 then return answer(1) end
  raise(st)
  fence(st, K, key, most)
  save(st)
  redis.call('UNLINK', L)
  redis.call('SET', O, token, 'PX', 60000)
  epoch = st.epoch
end
local now = told ~= '' and tonumber(told) or server
local base = now
if told == '' and sentAt ~= '' then base = math.min(base, tonumber(sentAt)) end
local staleUntil = base + stale
local endsAt = staleUntil
if idle > 0 then endsAt = math.min(endsAt, base - age + idle) end
if envelope == '' or endsAt <= now then
  redis.call('UNLINK', E)
  return answer(1)
end
ensure(st, T)
local flags = #tags > 0 and 1 or 0
local value = struct.pack('<BBI4', 1, flags, 78 + #tagBytes) .. st.mark
  .. doubles(epoch, base - age, base + fresh, staleUntil, endsAt, idle) .. tagBytes .. envelope
local left = endsAt - now
if told ~= '' then left = left + 86400000 end
if left < 1e15 then redis.call('SET', E, value, 'PX', text(math.max(1, math.ceil(left))))
else redis.call('SET', E, value) end
return answer(1)`);

/** Keys: the entry, its lease. Answers whether there was a living entry. */
export const deleteScript: Script = script(
  `
local st = open(ARGV[1])
local bytes = head(KEYS[5])
local living = bytes and struct.unpack('<d', bytes, 63) > clock(ARGV[2]) and not isVoid(st, bytes, idOf(KEYS[5]))
redis.call('UNLINK', KEYS[5], KEYS[6])
raise(st)
fence(st, K, ARGV[3], tonumber(ARGV[4]))
save(st)
return living and 1 or 0`,
  true,
);

/** Voids what carries one of the tags. */
export const tagScript: Script = script(
  `
local st = open(ARGV[1])
raise(st)
save(st)
for index = 3, #ARGV do fence(st, T, ARGV[index], tonumber(ARGV[2])) end
return 1`,
  true,
);

/** Writes the state as it stands: a change of which all who are told of changes must hear. */
export const echoScript: Script = script(
  `
local st = read()
if st then save(st) end
return 1`,
  true,
);

/** Voids what begins so, at once; the bytes are swept later. Answers how many beginnings wait for that. */
export const clearScript: Script = script(
  `
local prefix, most, mostPending = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local st = open(ARGV[1])
raise(st)
local rest, count, at = {}, 1, 1
while at <= #st.pending do
  local from = at
  local _, stop, _, length = string.find(st.pending, '^(%d+) (%d+):', at)
  at = stop + tonumber(length) + 1
  if not begins(string.sub(st.pending, stop + 1, at - 1), prefix) then
    rest[count] = string.sub(st.pending, from, at - 1)
    count = count + 1
  end
end
if count > mostPending then
  st.cleared = st.epoch
  st.pending = ''
  count = 0
else
  st.pending = table.concat(rest) .. text(st.epoch) .. ' ' .. #prefix .. ':' .. prefix
end
save(st)
fence(st, P, 'p' .. prefix, most)
return count`,
  true,
);

/** The beginnings that were pending at that epoch have been swept. */
export const sweptScript: Script = script(
  `
local st = read()
if not st or st.mark ~= ARGV[1] then return 0 end
local upTo = tonumber(ARGV[2])
local rest, at = {}, 1
while at <= #st.pending do
  local from = at
  local _, stop, since, length = string.find(st.pending, '^(%d+) (%d+):', at)
  at = stop + tonumber(length) + 1
  if tonumber(since) > upTo then rest[#rest + 1] = string.sub(st.pending, from, at - 1) end
end
st.pending = table.concat(rest)
save(st)
return 1`,
  true,
);

/** One step of a listing of keys, on the server that has this place. */
export const scanScript: Script = script(`return redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])`);

/** Entries' keys. Answers for each: 0 none, 1 void, 2 ended, 3 living; with `sweep`, void and ended ones are removed. */
export const judgeScript: Script = script(
  `
local st = read()
local now, kinds = clock(ARGV[1]), {}
for index = 5, #KEYS do
  local bytes = head(KEYS[index])
  local kind = 0
  if bytes then
    kind = 3
    if isVoid(st, bytes, idOf(KEYS[index])) then kind = 1
    elseif struct.unpack('<d', bytes, 63) <= now then kind = 2 end
    if kind ~= 3 and ARGV[2] == 'sweep' then redis.call('UNLINK', KEYS[index]) end
  end
  kinds[index - 4] = kind
end
return kinds`,
  true,
);

/** Key: the entry. Removes it where it still begins so. */
export const healScript: Script = script(
  `
if redis.call('GETRANGE', KEYS[5], 0, #ARGV[1] - 1) == ARGV[1] then return redis.call('UNLINK', KEYS[5]) end
return 0`,
  true,
);

/** Key: the entry. Begins its idle time anew. */
export const touchScript: Script = script(`
local bytes = head(KEYS[5])
if not bytes then return 0 end
local now, idle = clock(ARGV[1]), struct.unpack('<d', bytes, 71)
if idle <= 0 or struct.unpack('<d', bytes, 63) <= now then return 0 end
local endsAt = math.min(struct.unpack('<d', bytes, 55), now + idle)
redis.call('SETRANGE', KEYS[5], 62, struct.pack('<d', endsAt))
if ARGV[1] == '' then redis.call('PEXPIRE', KEYS[5], text(math.max(1, math.ceil(endsAt - now)))) end
return 1`);

/** Answers whether what carries that generation, and these tags, would be kept now. */
export const currentScript: Script = script(`
local st = read()
if not st then return 0 end
return overtaken(st, ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], unpackTags(ARGV[5], 1)) and 0 or 1`);

const held = `
local function isHeld(st, value, id)
  local token, mark, epoch = string.match(value or '', '^(%w+) (%w+) (%d+)$')
  if not token or not st or mark ~= st.mark or prefixed(st, tonumber(epoch), id) then return nil end
  return token, epoch
end
`;

/** Key: the lease. Answers mark and epoch where it is granted; it is granted again to the same token. */
export const leaseScript: Script = script(`${held}
local candidate, id, token, duration = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local st = open(candidate)
local holder, epoch = isHeld(st, redis.call('GET', KEYS[5]), id)
if holder == token then return { st.mark, epoch } end
if holder then return 0 end
redis.call('SET', KEYS[5], token .. ' ' .. st.mark .. ' ' .. text(st.epoch), 'PX', duration)
return { st.mark, text(st.epoch) }`);

/** Key: the lease. Answers whether it lasts. */
export const renewScript: Script = script(`${held}
local st = read()
if isHeld(st, redis.call('GET', KEYS[5]), ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('PEXPIRE', KEYS[5], ARGV[3])`);

/** Key: the lease. */
export const releaseScript: Script = script(
  `
local value = redis.call('GET', KEYS[5])
if value and begins(value, ARGV[1] .. ' ') then return redis.call('UNLINK', KEYS[5]) end
return 0`,
  true,
);
