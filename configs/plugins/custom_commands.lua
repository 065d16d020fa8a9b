-- The smallest script: a counter, and a SET with it. The counterpart of a Python class CustomCommands whose execute() does
-- client.set(f"custom:key:{counter}", "custom:value"). Each worker has a counter of its own.
--
--   volley bench -t custom --custom-command-file configs/plugins/custom_commands.lua

local counter = 0

function request(ticket)
  local key = "custom:key:" .. counter
  counter = counter + 1
  return {"SET", key, "custom:value"}
end

-- What execute() returned: whether it went well.
function response(reply)
  return reply.text == "OK"
end
