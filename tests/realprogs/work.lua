-- SPDX-License-Identifier: MIT
--
-- tests/realprogs/work.lua -- something for the Lua interpreter to do, for timing
--
-- Tables, strings, closures and calls in about equal parts; prints a checksum
-- that any correct interpreter prints.

local scale = tonumber(arg and arg[1]) or 1
local sum = 0

-- calls and integers
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
sum = sum + fib(27 + scale)

-- tables of tables
local function tree(d) if d == 0 then return {} end return {tree(d - 1), tree(d - 1)} end
local function count(t) if not t[1] then return 1 end return 1 + count(t[1]) + count(t[2]) end
for _ = 1, 10 * scale do sum = sum + count(tree(13)) end

-- strings
local parts = {}
for i = 1, 100000 * scale do parts[#parts + 1] = ("%d:%s"):format(i, tostring(i):reverse()) end
local text = table.concat(parts, " ")
for a, b in text:gmatch("(%d+):(%d+)") do sum = sum + #a + #b end

-- hashing and sorting
local seen = {}
local x = 12345
for _ = 1, 200000 * scale do
  x = (x * 1103515245 + 12345) % 2147483648
  local k = x % 5000
  seen[k] = (seen[k] or 0) + 1
end
local keys = {}
for k in pairs(seen) do keys[#keys + 1] = k end
table.sort(keys)
for i, k in ipairs(keys) do sum = (sum + i * k * seen[k]) % 1000000007 end

-- a matrix of floats
local n = 80
local a, b = {}, {}
for i = 1, n do
  a[i], b[i] = {}, {}
  for j = 1, n do a[i][j] = i / j b[i][j] = j - i end
end
for _ = 1, scale do
  for i = 1, n do
    for j = 1, n do
      local s = 0.0
      for k = 1, n do s = s + a[i][k] * b[k][j] end
      sum = (sum + math.floor(s)) % 1000000007
    end
  end
end
print("checksum " .. sum)
