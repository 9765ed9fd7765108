// SPDX-License-Identifier: MIT
// bench/programs/larson.go -- as larson.c
package main

import (
	"fmt"
	"sync"
)

const blocks, least, sizes = 1000, 16, 497

var sets [64][][]byte
var states, sums [64]uint64

func serve(id, generation, threads, rounds int) {
	block := sets[(id+generation)%threads]
	seed, sum := states[id], uint64(0)
	for i := 0; i < rounds; i++ {
		r := nextRandom(&seed)
		at := &block[r%blocks]
		if len(*at) > 0 {
			sum += uint64((*at)[0])
		}
		bytes := least + r>>20%sizes
		b := make([]byte, bytes)
		b[0] = byte(r >> 40)
		b[bytes-1] = 1
		*at = b
	}
	states[id] = seed
	sums[id] += sum
}

func main() {
	threads, generations, rounds := number(1, 8), number(2, 20), number(3, 100000)
	for i := 0; i < threads; i++ {
		sets[i] = make([][]byte, blocks)
		states[i] = uint64(21 + i)
	}
	for generation := 0; generation < generations; generation++ {
		var wg sync.WaitGroup
		for i := 0; i < threads; i++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				serve(i, generation, threads, rounds)
			}()
		}
		wg.Wait()
	}
	sum := uint64(0)
	for i := 0; i < threads; i++ {
		sum += sums[i]
	}
	fmt.Printf("sum %d\n", sum)
}
