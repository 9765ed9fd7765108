// SPDX-License-Identifier: MIT
//
// bench/pause/go.go -- the work of mallow.c in Go
package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"
)

const treeDepth, treeMB = 16, 4

type node struct {
	left, right *node
	key, value  uint64
}

func grow(depth int, key uint64) *node {
	n := &node{key: key}
	if depth > 0 {
		n.left = grow(depth-1, 2*key)
		n.right = grow(depth-1, 2*key+1)
	}
	return n
}

func arg(i, fallback int) int {
	if i >= len(os.Args) {
		return fallback
	}
	n, _ := strconv.Atoi(os.Args[i])
	return n
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// As bench_print_utilisation in bench.h.
func utilisation(samples []time.Duration, window time.Duration) float64 {
	sorted := slices.Clone(samples)
	slices.Sort(sorted)
	step := float64(sorted[len(sorted)/10])
	least, sum, first := 1.0, time.Duration(0), 0
	for i, s := range samples {
		sum += s
		for sum-samples[first] >= window {
			sum -= samples[first]
			first++
		}
		if sum >= window {
			least = min(least, float64(i-first+1)*step/float64(sum))
		}
	}
	return least
}

func main() {
	ntrees, replaced := max(arg(1, 256)/treeMB, 1), arg(2, 400)
	samples := make([]time.Duration, replaced)

	start := time.Now()
	trees := make([]*node, ntrees)
	for i := range trees {
		trees[i] = grow(treeDepth, 1)
	}
	fmt.Printf("build_s %.3f\n", time.Since(start).Seconds())

	state := uint64(88172645463325252)
	for i := range samples {
		before := time.Now()
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		trees[state%uint64(ntrees)] = grow(treeDepth, 1)
		samples[i] = time.Since(before)
	}

	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	most := time.Duration(slices.Max(stats.PauseNs[:]))
	fmt.Printf("stop_ms longest_cycle %.3f longest_stop - total %.3f cycles %d\n", ms(most),
		ms(time.Duration(stats.PauseTotalNs)), stats.NumGC)
	fmt.Printf("utilisation 20_ms %.3f 100_ms %.3f\n", utilisation(samples, 20*time.Millisecond),
		utilisation(samples, 100*time.Millisecond))
	slices.Sort(samples)
	n := replaced
	fmt.Printf("replace_ms median %.3f p99 %.3f max %.3f\n", ms(samples[n/2]), ms(samples[n-1-n/100]), ms(samples[n-1]))
	fmt.Printf("heap_mb %.0f\n", float64(stats.HeapSys)/1048576)
	runtime.KeepAlive(trees)
}
