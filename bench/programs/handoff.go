// SPDX-License-Identifier: MIT
// bench/programs/handoff.go -- as handoff.c
package main

import (
	"fmt"
	"sync"
)

const (
	pairs     = 2
	batchSize = 64
)

type message struct {
	next *message
	text []byte
}

var (
	sums     [pairs]uint64
	channels [pairs]chan *message
)

func batch(state *uint64) *message {
	var first *message
	for i := 0; i < batchSize; i++ {
		r := nextRandom(state)
		text := make([]byte, 8+(r>>8&127))
		text[len(text)-1] = byte(r)
		first = &message{first, text}
	}
	return first
}

func use(m *message) uint64 {
	sum := uint64(0)
	for ; m != nil; m = m.next {
		sum += uint64(m.text[len(m.text)-1])
	}
	return sum
}

func main() {
	batches := number(1, 20000)
	var wg sync.WaitGroup
	for i := 0; i < pairs; i++ {
		channels[i] = make(chan *message, 64)
		wg.Add(2)
		go func() {
			defer wg.Done()
			state := uint64(3 + i)
			for b := 0; b < batches; b++ {
				channels[i] <- batch(&state)
			}
		}()
		go func() {
			defer wg.Done()
			for b := 0; b < batches; b++ {
				sums[i] += use(<-channels[i])
			}
		}()
	}
	wg.Wait()
	fmt.Printf("sums %d %d\n", sums[0], sums[1])
}
