"""The scripts of the buffer. Each is one step for everybody else, and may be sent twice.

ids holds what became of each id in the buffer, as "<state>|<message id>|<digest>|<moment>": an
input waits (w) or is answered (a), r is an answer. Fields that are no ids remember whose
conversation it is, for {cid}:conv expires and a buffer does not, and how many of those that wait
the turn which began last is to answer.
"""

# How many inputs of the buffer wait for an answer.
_WAITING = """
local function waiting(ids)
    local n = 0
    for _, known in ipairs(redis.call('HVALS', ids)) do
        if string.sub(known, 1, 2) == 'w|' then n = n + 1 end
    end
    return n
end
local function to_wake(ids, lease)
    return redis.call('EXISTS', lease) == 0 and waiting(ids) > 0 and 1 or 0
end
"""

# How many wait beside those that the running turn answers. One of PostgreSQL's answers none of
# these; one that nobody has begun answers one, and who comes in time.
_BESIDE = """
local function beside(ids, lease)
    local begun = redis.call('HGET', ids, ':begun')
    local foreign = string.sub(redis.call('GET', lease) or '', 1, 2) == 'n:'
    return waiting(ids) - (begun and tonumber(begun) or foreign and 0 or 1)
end
"""

# Whose conversation it is and what it is about, as far as Redis knows.
_WHOSE = """
local function whose(conv, ids)
    local found = redis.call('HMGET', conv, 'owner', 'workflow')
    if found[1] then return found[1], found[2] or '' end
    found = redis.call('HMGET', ids, ':owner', ':workflow')
    return found[1], found[2] or ''
end
"""

# An entry more. What is known of the conversation stays as long as chats go on.
_APPEND = """
local function append(buf, ids, conv, msgs, entry, id, known, keep_s)
    local owner, workflow = whose(conv, ids)
    redis.call('XADD', buf, '*', 'e', entry)
    redis.call('HSET', ids, id, known)
    if owner then redis.call('HSET', ids, ':owner', owner, ':workflow', workflow) end
    redis.call('EXPIRE', conv, keep_s)
    redis.call('EXPIRE', msgs, keep_s)
end
"""

# KEYS: 1 buf, 2 ids, 3 conv, 4 msgs, 5 lease
# ARGV: 1 owner, 2 client id, 3 message id, 4 digest of the text, 5 moment, 6 entry as JSON,
#       7 the sender's previous id or '', 8 inputs that may wait, 9 entries that fit,
#       10 seconds to keep the cache
# Gives outcome, message id, seq or '', moment, 1 to wake somebody, entries by now
# (1 too where it is sent again: it may have started the buffer).
SAY = f"""{_WAITING}{_BESIDE}{_WHOSE}{_APPEND}
local buf, ids, conv, msgs, lease = unpack(KEYS)
local owner, client, id, digest, at, entry, prev, most, room, keep_s = unpack(ARGV)
local function row_of(client_id)
    for _, row in ipairs(redis.call('LRANGE', msgs, 0, -1)) do
        if string.find(row, client_id, 1, true) then
            local read, message = pcall(cjson.decode, row)
            if read and type(message) == 'table' and message.client_id == client_id then
                return message
            end
        end
    end
end
local function answer(outcome, message_id, seq, moment, entries)
    entries = entries or redis.call('XLEN', buf)
    return {{outcome, message_id or '', seq or '', moment or '', to_wake(ids, lease), entries}}
end

local whose_it_is = whose(conv, ids)
if not whose_it_is then return answer('not_open') end
if whose_it_is ~= owner then return answer('not_found') end

local known = redis.call('HGET', ids, client)
if known then
    local first, its_digest, moment = string.match(known, '^%a|(.-)|(.-)|(.*)$')
    if its_digest ~= digest then return answer('id_conflict') end
    if first == id then return answer('new', id, nil, moment, 1) end
    return answer('dup', first, nil, moment)
end
local row = row_of(client)
if row then
    if row.text ~= cjson.decode(entry).text then return answer('id_conflict') end
    return answer('dup', row.id, row.seq, row.created_at)
end
if prev ~= '' and redis.call('HEXISTS', ids, prev) == 0 and not row_of(prev) then
    return answer('out_of_order')
end
if beside(ids, lease) >= tonumber(most) or redis.call('XLEN', buf) >= tonumber(room) then
    return answer('overloaded')
end
append(buf, ids, conv, msgs, entry, client, table.concat({{'w', id, digest, at}}, '|'), keep_s)
return answer('new', id, nil, at)
"""

# KEYS: 1 buf, 2 ids, 3 conv, 4 msgs, 5 lease, 6 takes
# ARGV: 1 what the lease holds, 2 its milliseconds, 3 seconds to keep the count of takes
# Gives nothing if somebody else has the lease or nobody knows the conversation.
TAKE = f"""{_WAITING}{_WHOSE}
local buf, ids, conv, msgs, lease, takes = unpack(KEYS)
local owner, workflow = whose(conv, ids)
local held = redis.call('GET', lease)
if not owner or held and held ~= ARGV[1] then return false end
redis.call('SET', lease, ARGV[1], 'PX', ARGV[2])
if not held then
    redis.call('INCR', takes)
    redis.call('EXPIRE', takes, ARGV[3])
end
local begun = waiting(ids)
if begun > 0 then redis.call('HSET', ids, ':begun', begun) end
return {{owner, workflow, redis.call('LRANGE', msgs, 0, -1), redis.call('XRANGE', buf, '-', '+'),
    tonumber(redis.call('GET', takes)) or 1}}
"""

# KEYS: 1 lease
# ARGV: 1 token, 2 milliseconds
HOLD = """
local held = redis.call('GET', KEYS[1])
if held ~= 'd:' .. ARGV[1] and held ~= 'n:' .. ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

# KEYS: 1 buf, 2 ids, 3 conv, 4 msgs, 5 lease, 6 takes, 7 tombstone
# ARGV: 1 token, 2 answer id, 3 entry as JSON, 4 seconds to keep the cache, then the client ids
#       of the inputs it answers
# Refused if somebody else has the lease, or had it and answered one of the inputs, or the
# conversation was deleted.
# Gives 1 if it is stored, 1 if inputs wait and nobody is at it, entries by now as above.
FINISH = f"""{_WAITING}{_WHOSE}{_APPEND}
local buf, ids, conv, msgs, lease, takes, gone = unpack(KEYS)
local token, id, entry, keep_s = unpack(ARGV)
if redis.call('EXISTS', gone) == 1 then return {{0, 0, 0}} end
local held = redis.call('GET', lease)
local ours = held == 'd:' .. token or held == 'n:' .. token
local again = redis.call('HEXISTS', ids, id) == 1
local stored = again
if not stored and (ours or not held) then
    local answered = false
    for i = 5, #ARGV do
        local known = redis.call('HGET', ids, ARGV[i])
        answered = answered or known and string.sub(known, 1, 1) == 'a'
    end
    if not answered then
        append(buf, ids, conv, msgs, entry, id, 'r|||', keep_s)
        for i = 5, #ARGV do
            local known = redis.call('HGET', ids, ARGV[i])
            if known then redis.call('HSET', ids, ARGV[i], 'a' .. string.sub(known, 2)) end
        end
        redis.call('HDEL', ids, ':begun')
        redis.call('DEL', takes)
        stored = true
    end
end
if ours then redis.call('DEL', lease) end
return {{stored and 1 or 0, to_wake(ids, lease), again and 1 or redis.call('XLEN', buf)}}
"""

# KEYS: 1 lease, 2 ids, 3 takes
# ARGV: 1 token, 2 1 if this take found nothing to do: it was no attempt
# Gives 1 if inputs wait and nobody is at it.
RELEASE = f"""{_WAITING}
local held = redis.call('GET', KEYS[1])
if held == 'd:' .. ARGV[1] or held == 'n:' .. ARGV[1] then
    redis.call('DEL', KEYS[1])
    redis.call('HDEL', KEYS[2], ':begun')
end
if ARGV[2] == '1' then redis.call('DEL', KEYS[3]) end
return to_wake(KEYS[2], KEYS[1])
"""

# KEYS: 1 conv, 2 ids
OWNER = f"""{_WHOSE}
return (whose(KEYS[1], KEYS[2]))
"""

# KEYS: 1 buf, 2 lease
READ = """
return {redis.call('XRANGE', KEYS[1], '-', '+'), redis.call('GET', KEYS[2])}
"""

# KEYS: 1 buf, 2 ids
# ARGV: 1 how many stream ids, then they, then client ids
# Sent twice, or by two at once, it leaves alone what was said again meanwhile.
# Gives how many entries are left.
DRAINED = """
local last = tonumber(ARGV[1]) + 1
local gone = 0
for i = 2, last do gone = gone + redis.call('XDEL', KEYS[1], ARGV[i]) end
if gone > 0 then
    for i = last + 1, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
    redis.call('HDEL', KEYS[2], ':begun')
end
local left = redis.call('XLEN', KEYS[1])
if left == 0 then redis.call('DEL', KEYS[1], KEYS[2]) end
return left
"""

# KEYS: 1 buf, 2 ids, 3 quarantine
# ARGV: 1 entries to keep there, 2 seconds to keep them, then stream ids
QUARANTINE = """
for i = 3, #ARGV do
    local found = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
    if found then
        redis.call('XADD', KEYS[3], 'MAXLEN', ARGV[1], '*', unpack(found[2]))
        redis.call('EXPIRE', KEYS[3], ARGV[2])
        redis.call('XDEL', KEYS[1], ARGV[i])
    end
end
if redis.call('XLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[1], KEYS[2]) end
"""

# KEYS: 1 buffered:<n>
# ARGV: 1 conversation, 2 mark
# Leaves it alone if somebody has written there since the mark was read.
UNINDEX = """
local mark = redis.call('ZSCORE', KEYS[1], ARGV[1])
if mark and tonumber(mark) == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
"""
