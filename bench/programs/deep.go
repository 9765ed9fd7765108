// SPDX-License-Identifier: MIT
// bench/programs/deep.go -- as deep.c
package main

import (
	"fmt"
	"sync"
)

type link struct {
	up *link
	n  uint64
}

const goroutines = 100

var sums [goroutines]uint64

func down(up *link, more int, state *uint64) uint64 {
	l := &link{up, nextRandom(state) & 7}
	if more == 0 {
		sum := uint64(0)
		for ; l != nil; l = l.up {
			sum += l.n
		}
		return sum
	}
	var pad [64]byte
	for i := range pad {
		pad[i] = byte(more & 63)
	}
	return down(l, more-1, state) + uint64(pad[more&63]) + l.n
}

func main() {
	rounds, depth := number(1, 20), number(2, 2000)
	for r := 0; r < rounds; r++ {
		var wg sync.WaitGroup
		for i := 0; i < goroutines; i++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				state := uint64(10 + i)
				sums[i] += down(nil, depth+i, &state)
			}()
		}
		wg.Wait()
	}
	sum := uint64(0)
	for _, s := range sums {
		sum += s
	}
	fmt.Printf("sum %d\n", sum)
}
