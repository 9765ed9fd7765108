-- SPDX-License-Identifier: MIT
--
-- bench/realprogs/parts.lua -- one kind of work at a time for the Lua interpreter
--
--     lua parts.lua NAME SCALE
--
-- NAME none does nothing: what is left is starting up.

local name, n = arg[1], tonumber(arg[2])

local parts = {
  none = function() return 0 end,
  calls = function()
    local function fib(k) if k < 2 then return k end return fib(k - 1) + fib(k - 2) end
    local s = 0
    for _ = 1, n do s = s + fib(17) end
    return s
  end,
  loop = function()
    local s, f = 0, 0.5
    for i = 1, 60000 * n do s = s + i % 7 f = f * 0.999 + i end
    return s + f // 1
  end,
  strings = function()
    local p = {}
    for i = 1, 2500 * n do p[#p + 1] = ("%d:%s"):format(i, tostring(i):reverse()) end
    local s = 0
    for a, b in table.concat(p, " "):gmatch("(%d+):(%d+)") do s = s + #a + #b end
    return s
  end,
  tables = function()
    local t, seen, x = {}, {}, 12345
    for i = 1, 5000 * n do
      t[i] = i
      x = (x * 1103515245 + 12345) % 2147483648
      seen[x % 500] = (seen[x % 500] or 0) + 1
      seen["k" .. i % 500] = i
    end
    local s = #t
    for _, v in pairs(seen) do s = s + v end
    return s
  end,
  closures = function()
    local function counter(i) return function(d) i = i + d return i end end
    local s = 0
    for i = 1, 8000 * n do s = s + counter(i)(1) end
    return s
  end,
  sort = function()
    local t, x = {}, 42
    for i = 1, 2000 * n do
      x = (x * 1103515245 + 12345) % 2147483648
      t[i] = x
    end
    table.sort(t, function(a, b) return a < b end)
    return t[1]
  end,
  trees = function()
    local function tree(d) if d == 0 then return {} end return {tree(d - 1), tree(d - 1)} end
    local function count(t) return t[1] and 1 + count(t[1]) + count(t[2]) or 1 end
    local s = 0
    for _ = 1, n do s = s + count(tree(11)) end
    return s
  end,
  methods = function()
    local P = {}
    P.__index = P
    function P:add(d) self.x = self.x + d self.y = self.y - d return self end
    local p = setmetatable({x = 1, y = 0}, P)
    for i = 1, 15000 * n do p:add(i) end
    return p.x
  end,
}
print(name, parts[name]())
