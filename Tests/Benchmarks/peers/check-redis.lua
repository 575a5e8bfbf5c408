-- A session's look-up in Redis on every request, for nginx with Lua: the key is the cookie's value as it is (Debian has no
-- SHA-256 for nginx's Lua, so it does less than Gatehouse here); the value is a JSON record; connections to Redis are pooled.
-- Anything odd refuses. Sets $user.
local redis = require "nginx.redis"
local json = require "cjson.safe"

local id = ngx.var["cookie_session_id"]
if not id or #id > 128 then return ngx.exit(401) end
local store = redis:new()
store:set_timeout(1000)
if not store:connect("127.0.0.1", @REDIS@) then return ngx.exit(503) end
local value, fault = store:get("bench:" .. id)
if fault then return ngx.exit(503) end
store:set_keepalive(3600000, 1024)
local record = value and value ~= ngx.null and json.decode(value)
if not record or record.expires_at < ngx.time() then return ngx.exit(401) end
ngx.var.user = record.user_id
