-- SPDX-License-Identifier: MIT
--
-- tests/realprogs/language.lua -- the Lua language, checked from inside
--
-- Debian's lua5.4 package holds no test suite (its `make test` prints the
-- version), so this stands in for one: each section asserts what the reference
-- manual promises.  Ends with "ok language".

-- numbers: integers wrap, floats do not, conversions follow the manual
assert(math.maxinteger + 1 == math.mininteger)
assert(7 // 2 == 3 and -7 // 2 == -4 and 7 % -3 == -2 and -7 % 3 == 2)
assert(7 / 2 == 3.5 and 2 ^ 10 == 1024.0 and 1e15 == 10 ^ 15)
assert(math.type(1) == "integer" and math.type(1.0) == "float" and math.type("1") == nil)
assert("10" + 5 == 15 and "0x10" + 0 == 16 and 10 .. 20 == "1020")
assert(1 << 62 == 0x4000000000000000 and ~0 == -1 and 5 & 3 == 1 and 5 | 3 == 7 and 5 ~ 3 == 6)
assert(math.ult(1, -1) and math.tointeger(3.0) == 3 and math.tointeger(3.5) == nil)
assert(string.format("%5.2f|%d|%x|%q", 3.14159, 42, 255, "a\nb") == " 3.14|42|ff|\"a\\\nb\"")
assert(tostring(1e100) == "1e+100" and tostring(-0.0) == "-0.0" and tostring(2^53) == "9.007199254741e+15")

-- strings and patterns
assert(("hello world"):find("o w") == 5 and ("hello"):rep(3, "-") == "hello-hello-hello")
assert(("key = value"):match("^(%w+)%s*=%s*(%w+)$") == "key")
assert(select(2, ("key = value"):match("^(%w+)%s*=%s*(%w+)$")) == "value")
assert(("abc"):gsub("%w", "%0%0") == "aabbcc")
assert(("hello"):gsub("l+", function(s) return "<" .. #s .. ">" end) == "he<2>o")
assert(("$name is $age"):gsub("%$(%w+)", {name = "x", age = 3}) == "x is 3")
local words = {}
for w in ("the quick brown fox"):gmatch("%a+") do words[#words + 1] = w end
assert(table.concat(words, ",") == "the,quick,brown,fox")
assert(("x"):byte() == 120 and string.char(72, 105) == "Hi" and ("abc"):reverse() == "cba")
assert(("%bxy"):len() == 4 and ("f(a(b)c)d"):match("%b()") == "(a(b)c)")
assert(utf8.len("åß∂") == 3 and utf8.char(0x20AC) == "€" and utf8.codepoint("€") == 0x20AC)
assert(string.unpack("<i4", string.pack("<i4", -5)) == -5)

-- tables
local t = {}
for i = 1, 1000 do t[i] = i end
assert(#t == 1000 and select("#", table.unpack(t, 1, 200)) == 200)
table.insert(t, 1, 0)
assert(t[1] == 0 and table.remove(t, 1) == 0 and #t == 1000)
table.sort(t, function(a, b) return a > b end)
assert(t[1] == 1000 and t[1000] == 1)
assert(table.concat(table.move({1, 2, 3}, 1, 3, 2), ",") == "1,1,2,3")
local keys = 0
for k in pairs({a = 1, b = 2, c = 3, 1, 2}) do keys = keys + 1 end
assert(keys == 5)
local big = {}
for i = 1, 20000 do big["k" .. i] = i end
for i = 1, 20000, 2 do big["k" .. i] = nil end
local n = 0
for _, v in pairs(big) do n = n + 1 assert(v % 2 == 0) end
assert(n == 10000)

-- closures, varargs, goto, integer for
local function counter()
  local n = 0
  return function() n = n + 1 return n end, function() return n end
end
local inc, get = counter()
for _ = 1, 5 do inc() end
assert(get() == 5)
local fns = {}
for i = 1, 3 do fns[i] = function() return i end end
assert(fns[1]() == 1 and fns[3]() == 3)
local function count(...) return select("#", ...), ... end
assert(count(nil, nil) == 2)
do
  local i = 1
  ::top::
  if i < 10 then i = i + 1 goto top end
  assert(i == 10)
end
for i = math.maxinteger - 1, math.maxinteger do assert(i > 0) end

-- metatables and inheritance
local V = {}
V.__index = V
V.__add = function(a, b) return setmetatable({x = a.x + b.x}, V) end
V.__eq = function(a, b) return a.x == b.x end
V.__lt = function(a, b) return a.x < b.x end
V.__le = function(a, b) return a.x <= b.x end
V.__call = function(self, y) return self.x + y end
V.__concat = function(a, b) return "v" .. tostring(a.x) .. tostring(b.x) end
V.__len = function(a) return a.x end
V.__tostring = function(a) return "V(" .. a.x .. ")" end
local a, b = setmetatable({x = 1}, V), setmetatable({x = 2}, V)
assert((a + b).x == 3 and a ~= b and a < b and a <= b and a(10) == 11)
assert(a .. b == "v12" and #b == 2 and tostring(a) == "V(1)")
local log = {}
local proxy = setmetatable({}, {__index = function(_, k) return k .. "!" end,
                                __newindex = function(_, k, v) log[k] = v end})
proxy.a = 1
assert(proxy.b == "b!" and log.a == 1 and rawget(proxy, "a") == nil)

-- errors
local ok, e = pcall(error, {code = 7})
assert(not ok and e.code == 7)
ok, e = pcall(function() local x = nil; return x.y end)
assert(not ok and e:find("attempt to index a nil value"))
ok, e = xpcall(function() error("deep", 0) end, function(m) return m .. " handled" end)
assert(not ok and e == "deep handled")
ok, e = pcall(string.rep, "x", -1)
assert(ok and e == "")
local function deep(n) return 1 + deep(n + 1) end
ok, e = pcall(deep, 1)
assert(not ok and e:find("stack overflow"))
do
  local order = {}
  do
    local x <close> = setmetatable({}, {__close = function() order[#order + 1] = "x" end})
    local y <close> = setmetatable({}, {__close = function() order[#order + 1] = "y" end})
  end
  assert(table.concat(order) == "yx")
end

-- coroutines
local function generate(n) for i = 1, n do coroutine.yield(i) end return "end" end
local co = coroutine.create(generate)
local seen = {}
repeat
  local _, v = coroutine.resume(co, 5)
  seen[#seen + 1] = v
until coroutine.status(co) == "dead"
assert(table.concat(seen, ",") == "1,2,3,4,5,end")
local function permutations(list)
  return coroutine.wrap(function()
    local function go(n)
      if n <= 1 then coroutine.yield(table.concat(list)) return end
      for i = 1, n do
        list[i], list[n] = list[n], list[i]
        go(n - 1)
        list[i], list[n] = list[n], list[i]
      end
    end
    go(#list)
  end)
end
local all = {}
for p in permutations({"a", "b", "c", "d"}) do all[p] = true end
n = 0
for _ in pairs(all) do n = n + 1 end
assert(n == 24)
assert(not pcall(coroutine.wrap(function() error("in coroutine") end)))
local many = {}
for i = 1, 2000 do many[i] = coroutine.wrap(function() local x = i while true do coroutine.yield(x) x = x + 1 end end) end
for round = 0, 2 do for i = 1, 2000 do assert(many[i]() == i + round) end end

-- load, dump, environments
assert(load("return 1 + 1")() == 2)
assert(load("x = 5", "chunk", "t", log) and not load("return +"))
local env = {}
load("y = 7", "chunk", "t", env)()
assert(env.y == 7 and y == nil)
assert(load(string.dump(function(p) return p * 2 end))(21) == 42)
local parts, at = {"return ", "{1,", "2,", "3}"}, 0
assert(#load(function() at = at + 1 return parts[at] end)() == 3)

-- Lua's own collector: weak tables, finalizers, generational mode
for _, mode in ipairs({"incremental", "generational"}) do
  collectgarbage(mode)
  local weak = setmetatable({}, {__mode = "k"})
  local finalized = 0
  for i = 1, 100 do
    weak[{}] = i
    setmetatable({}, {__gc = function() finalized = finalized + 1 end})
  end
  for i = 1, 20000 do local _ = {i, tostring(i), {}} end
  collectgarbage()
  collectgarbage()
  assert(next(weak) == nil and finalized == 100)
end
collectgarbage("incremental")
assert(collectgarbage("count") > 0)

-- files
local name = os.tmpname()
local f = assert(io.open(name, "w"))
for i = 1, 100 do f:write("line ", i, "\n") end
f:close()
n = 0
for line in io.lines(name) do n = n + 1 assert(line == "line " .. n) end
assert(n == 100)
f = assert(io.open(name))
assert(f:seek("end") == f:seek("set", f:seek()) and f:seek("set", 5) == 5 and f:read("n") == 1)
f:close()
os.remove(name)
assert(io.open(name) == nil and os.time{year = 2020, month = 1, day = 1, hour = 12} > 0)
print("ok language")
