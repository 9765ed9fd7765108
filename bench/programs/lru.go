// SPDX-License-Identifier: MIT
// bench/programs/lru.go -- as lru.c
package main

import "fmt"

type entry struct {
	chain        *entry
	newer, older *entry
	key          uint64
	value        []byte
}

var (
	buckets        []*entry
	newest, oldest *entry
	mask           uint64
)

func find(key uint64) **entry {
	at := &buckets[key*0x9e3779b97f4a7c15>>20&mask]
	for *at != nil && (*at).key != key {
		at = &(*at).chain
	}
	return at
}

func unlinkUsed(e *entry) {
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		oldest = e.newer
	}
}

func linkUsed(e *entry) {
	e.newer = nil
	e.older = newest
	if newest != nil {
		newest.newer = e
	} else {
		oldest = e
	}
	newest = e
}

func forgetOldest() {
	e := oldest
	*find(e.key) = e.chain
	unlinkUsed(e)
}

func main() {
	capacity, requests := number(1, 100000), number(2, 2000000)
	state, hits, sum := uint64(1), uint64(0), uint64(0)
	for mask = 1; mask < uint64(capacity); mask *= 2 {
	}
	buckets = make([]*entry, mask)
	mask--
	held := 0
	for i := 0; i < requests; i++ {
		r := nextRandom(&state)
		key := r >> 8 & 0xfffff
		if r&3 != 0 {
			key = r >> 8 & 0xffff
		}
		e := *find(key)
		if e != nil {
			hits++
			unlinkUsed(e)
		} else {
			if held == capacity {
				forgetOldest()
			} else {
				held++
			}
			v := make([]byte, 32+(key&127))
			v[31] = byte(key)
			e = &entry{key: key, value: v}
			*find(key) = e
		}
		linkUsed(e)
		sum += uint64(e.value[31])
	}
	fmt.Printf("%d hits, sum %d\n", hits, sum)
}
