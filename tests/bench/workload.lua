-- Tables, numbers, strings and closures: as often as the first argument says.
local times = tonumber(arg[1])

local function primes(limit)
  local composite, count = {}, 0
  for n = 2, limit do
    if not composite[n] then
      count = count + 1
      for multiple = n * n, limit, n do composite[multiple] = true end
    end
  end
  return count
end

local function spectral_norm(size)
  local u, v = {}, {}
  for i = 1, size do u[i] = 1 end
  local function multiply(from, to)
    for i = 1, size do
      local sum = 0
      for j = 1, size do sum = sum + from[j] / ((i + j - 2) * (i + j - 1) / 2 + i) end
      to[i] = sum
    end
  end
  for _ = 1, 4 do
    multiply(u, v)
    multiply(v, u)
  end
  local a, b = 0, 0
  for i = 1, size do
    a = a + u[i] * v[i]
    b = b + v[i] * v[i]
  end
  return math.sqrt(a / b)
end

local function words(count)
  local seen, different = {}, 0
  for i = 1, count do
    local word = ("w%d"):format(i * 7919 % 2003):reverse()
    if not seen[word] then
      seen[word] = 0
      different = different + 1
    end
    seen[word] = seen[word] + #word
  end
  return different
end

for _ = 1, times do
  print(("%d %.9f %d"):format(primes(60000), spectral_norm(120), words(20000)))
end
