// SPDX-License-Identifier: MIT
// bench/programs/latency.go -- as latency.c
package main

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	workers = 2
	keys    = 16
)

type value struct {
	before *value
	word   [5]uint64
}
type slot struct {
	key   uint64
	value *value
}

var (
	slots    []slot
	nslots   uint64
	requests int
	took     [workers][]uint32
)

func find(key uint64) *slot {
	i := key * 0x9e3779b97f4a7c15 % nslots
	for slots[i].value != nil && slots[i].key != key {
		if i++; i == nslots {
			i = 0
		}
	}
	return &slots[i]
}

func set(key, word uint64) {
	v := &value{}
	s := find(key)
	for i := range v.word {
		v.word[i] = word
	}
	v.before = s.value
	if v.before != nil {
		v.before.before = nil
	}
	s.key = key
	s.value = v
}

func serve(worker int) {
	state := uint64(9 + worker)
	for i := 0; i < requests; i++ {
		start := time.Now()
		for k := 0; k < keys; k++ {
			r := nextRandom(&state)
			set(1+uint64(worker)+r%(nslots/4)*workers, r)
		}
		took[worker][i] = uint32(time.Since(start))
	}
}

func main() {
	mb := uint64(number(1, 256))
	requests = number(2, 100000)
	nslots = mb * 1048576 / (2*16 + 2*48) * 2
	slots = make([]slot, nslots)
	for k := uint64(0); k < nslots/4*workers; k++ {
		set(1+k, k)
	}
	n := requests * workers
	all := make([]uint32, n)
	var wg sync.WaitGroup
	for i := 0; i < workers; i++ {
		took[i] = all[i*requests : (i+1)*requests]
		wg.Add(1)
		go func() {
			defer wg.Done()
			serve(i)
		}()
	}
	wg.Wait()
	slices.Sort(all)
	us := func(i int) float64 { return float64(all[i]) / 1e3 }
	fmt.Fprintf(os.Stderr, "us p50 %.1f p99 %.1f p99.9 %.1f max %.1f\n", us(n/2), us(n/100*99), us(n/1000*999), us(n-1))
	sum := uint64(0)
	for i := range slots {
		if slots[i].value != nil {
			sum += slots[i].value.word[4]
		}
	}
	fmt.Printf("sum %d\n", sum)
}
