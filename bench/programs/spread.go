// SPDX-License-Identifier: MIT
// bench/programs/spread.go -- as spread.c
package main

import (
	"fmt"
	"sync"
)

type item struct {
	next *item
	word [3]uint64
}

var sums [64]uint64

func work(id, rounds int) {
	const nkept = 256
	kept := make([]*item, nkept)
	state, sum := uint64(11+id), uint64(0)
	for i := 0; i < rounds; i++ {
		r := nextRandom(&state)
		x, at := &item{}, &kept[r%nkept]
		x.word[0] = r
		if r&0x300 != 0 {
			x.next = *at
		} else {
			for old := *at; old != nil; old = old.next {
				sum += old.word[0]
			}
		}
		*at = x
	}
	sums[id] = sum
}

func main() {
	n, rounds := number(1, 32), number(2, 400000)
	var wg sync.WaitGroup
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			work(i, rounds)
		}()
	}
	wg.Wait()
	sum := uint64(0)
	for i := 0; i < n; i++ {
		sum += sums[i]
	}
	fmt.Printf("sum %d\n", sum)
}
