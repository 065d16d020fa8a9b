-- Usual operations with settings, as operations.c beside it: SET, MSET of several keys, HSET, LPUSH to one list, LPUSH to a
-- list of each key.
--
--   volley bench -t custom --custom-command-file configs/plugins/operations.lua -r 100000 -d 100 \
--       --custom-command-args operation=mset,batch_size=10,key_prefix=user
--
-- operation: set (as without), mset, hset, lpush, lpush_keyspace; batch_size: pairs of an mset, 10 without; key_prefix: in front
-- of keys, "custom" without. Key numbers come from -r at random, with --sequential in order, and without either count up.

local prefix, value, batch

local function key_of(index)
  if volley.sequential then
    index = volley.keyspace_offset + index % volley.keyspace
  elseif volley.keyspace > 0 then
    index = volley.keyspace_offset + math.random(0, volley.keyspace - 1)
  end
  return prefix .. ":" .. index
end

local operations = {
  set = function(ticket) return {"SET", key_of(ticket), value} end,
  hset = function(ticket) return {"HSET", key_of(ticket), "field", value} end,
  lpush = function() return {"LPUSH", prefix, value} end,
  lpush_keyspace = function(ticket) return {"LPUSH", key_of(ticket), value} end,
  mset = function(ticket)
    local command = {"MSET"}
    for i = 0, batch - 1 do
      command[2 * i + 2] = key_of(ticket * batch + i)
      command[2 * i + 3] = value
    end
    return command
  end,
}

local settings = {operation = true, batch_size = true, key_prefix = true}

function init(args)
  for name in pairs(args) do -- args[0] is all of them
    if name ~= 0 and not settings[name] then
      error(name .. ": there are operation, batch_size and key_prefix")
    end
  end
  local operation = args.operation or "set"
  request = operations[operation]
  if not request then
    error("operation=" .. operation .. " is none of set, mset, hset, lpush, lpush_keyspace")
  end
  batch = tonumber(args.batch_size or 10)
  if not batch or batch % 1 ~= 0 or batch < 1 or batch > 1000 then
    error("batch_size=" .. args.batch_size .. " is no number from 1 to 1000")
  end
  prefix = args.key_prefix or "custom"
  value = string.rep("x", volley.data_size)
  classes = {operation}
end
