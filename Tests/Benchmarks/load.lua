-- The load: one request, over and over, and every answer compared octet by octet with the right one.
--
-- Told by the environment: BENCH_PATH, BENCH_HEADERS (a "name: value" a line), BENCH_STATUS (one or several, all of them right),
-- BENCH_BODY, the file that holds the right body (unset: any), and BENCH_UPLOAD, the file to post (unset: GET). Writes its figures
-- as one JSON object, in microseconds, on a line that begins with "result ".

local status_wanted = {}
for status in os.getenv("BENCH_STATUS"):gmatch("%d+") do status_wanted[tonumber(status)] = true end
local body_wanted
local threads = {}

-- Counted in each thread's own Lua state; done() reads them from there.
right, wrong, first_wrong = 0, 0, ""

function setup(thread)
    table.insert(threads, thread)
end

local function content(file)
    if not file then return nil end
    local handle = assert(io.open(file, "rb"))
    local octets = handle:read("*a")
    handle:close()
    return octets
end

function init()
    body_wanted = content(os.getenv("BENCH_BODY"))
    local upload = content(os.getenv("BENCH_UPLOAD"))
    local headers = {}
    for name, value in (os.getenv("BENCH_HEADERS") or ""):gmatch("([^:\n]+): ([^\n]*)") do
        headers[name] = value
    end
    wrk.headers = headers
    local host = wrk.port == 80 and wrk.host or wrk.host .. ":" .. wrk.port
    headers["Host"] = host
    prepared = wrk.format(upload and "POST" or "GET", os.getenv("BENCH_PATH"), headers, upload)
end

function request()
    return prepared
end

function response(status, headers, body)
    if status_wanted[status] and (body_wanted == nil or body == body_wanted) then
        right = right + 1
    else
        wrong = wrong + 1
        if first_wrong == "" then first_wrong = status .. " " .. body:sub(1, 200) end
    end
end

local function quoted(text)
    return '"' .. text:gsub('[%c"\\\128-\255]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end

function done(summary, latency, requests)
    local right, wrong, example = 0, 0, ""
    for _, thread in ipairs(threads) do
        right = right + thread:get("right")
        wrong = wrong + thread:get("wrong")
        if example == "" then example = thread:get("first_wrong") end
    end
    local errors = summary.errors
    print(string.format(
        'result {"requests":%d,"duration":%d,"right":%d,"wrong":%d,"example":%s,"failed":%d,"timeouts":%d,"p50":%d,"p99":%d}',
        summary.requests, summary.duration, right, wrong, quoted(example), errors.connect + errors.read + errors.write,
        errors.timeout, latency:percentile(50), latency:percentile(99)))
end
