-- SPDX-License-Identifier: MIT
-- bench/echo/report.lua -- wrk's figures on one line: requests a second,
-- 50th, 99th and 99.9th percentile in microseconds, errors
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %.0f %.0f %.0f %.0f %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    e.connect + e.read + e.write + e.status + e.timeout))
end
