// SPDX-License-Identifier: MIT
//
// bench/memlimit/go.go -- the work of mallow.c in Go
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const links, chainBytes, bufferBytes, bufferEvery = 16, 2 * 1080, 48 << 10, 20

type object struct {
	next  *object
	value uint64
}

type object24 struct {
	head object
	more [24 - 16]byte
}
type object32 struct {
	head object
	more [32 - 16]byte
}
type object48 struct {
	head object
	more [48 - 16]byte
}
type object64 struct {
	head object
	more [64 - 16]byte
}
type object96 struct {
	head object
	more [96 - 16]byte
}
type object160 struct {
	head object
	more [160 - 16]byte
}
type object256 struct {
	head object
	more [256 - 16]byte
}
type object400 struct {
	head object
	more [400 - 16]byte
}

func link(i int) *object {
	switch i % 8 {
	case 0:
		return &new(object24).head
	case 1:
		return &new(object32).head
	case 2:
		return &new(object48).head
	case 3:
		return &new(object64).head
	case 4:
		return &new(object96).head
	case 5:
		return &new(object160).head
	case 6:
		return &new(object256).head
	}
	return &new(object400).head
}

func chain(seed uint64) *object {
	var first *object
	for i := range links {
		o := link(i)
		o.next = first
		o.value = seed + uint64(i)
		first = o
	}
	return first
}

type work struct {
	table      []*object
	replaced   int
	state, sum uint64
}

//go:noinline
func newBuffer() []byte { return make([]byte, bufferBytes) }

func (w *work) replace() {
	for i := range w.replaced {
		w.state ^= w.state << 13
		w.state ^= w.state >> 7
		w.state ^= w.state << 17
		r := w.state
		slot := &w.table[r%uint64(len(w.table))]
		for o := *slot; o != nil; o = o.next {
			w.sum += o.value
		}
		*slot = chain(r % 1000)
		if i%bufferEvery == 0 {
			buffer := newBuffer()
			for k := range buffer {
				buffer[k] = byte(i % 100)
			}
			w.sum += uint64(buffer[r%bufferBytes])
		}
	}
}

func arg(i, fallback int) int {
	if i >= len(os.Args) {
		return fallback
	}
	n, _ := strconv.Atoi(os.Args[i])
	return n
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

func main() {
	nchains := arg(1, 150) << 20 / chainBytes
	replaced := arg(2, 3000) << 20 / (chainBytes + bufferBytes/bufferEvery)
	workers := arg(3, 2)

	var working, sampling sync.WaitGroup
	var stop atomic.Bool
	var peak uint64
	sampling.Add(1)
	go func() {
		var s runtime.MemStats
		for !stop.Load() {
			runtime.ReadMemStats(&s)
			peak = max(peak, s.Sys-s.HeapReleased)
			time.Sleep(2 * time.Millisecond)
		}
		sampling.Done()
	}()
	table := make([]*object, nchains)
	for i := range table {
		table[i] = chain(uint64(i % 1000))
	}

	cpu, start := cpuSeconds(), time.Now()
	works := make([]*work, workers)
	for i := range works {
		n := nchains / workers
		works[i] = &work{table: table[n*i : n*(i+1)], replaced: replaced / workers,
			state: 88172645463325252 + uint64(i)}
		working.Add(1)
		go func() {
			works[i].replace()
			working.Done()
		}()
	}
	working.Wait()
	seconds := time.Since(start).Seconds()
	cpu = cpuSeconds() - cpu
	stop.Store(true)
	sampling.Wait()

	var sum uint64
	for _, w := range works {
		sum += w.sum
	}
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	fmt.Printf("memlimit wall_s %.3f cpu_s %.3f peak_mb %.1f cycles %d sum %d\n",
		seconds, cpu, float64(peak)/1048576, s.NumGC, sum)
	runtime.KeepAlive(table)
}
