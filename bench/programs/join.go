// SPDX-License-Identifier: MIT
// bench/programs/join.go -- as join.c
package main

import "fmt"

type row struct {
	same         *row
	key, payload uint64
}
type result struct {
	next        *result
	left, right *row
}

func join(state *uint64, rows int) uint64 {
	mask, sum := uint64(1), uint64(0)
	for mask < uint64(rows) {
		mask *= 2
	}
	table := make([]*row, mask)
	mask--
	for i := 0; i < rows; i++ {
		r := nextRandom(state)
		key := r % uint64(rows)
		table[key&mask] = &row{table[key&mask], key, r >> 32}
	}
	var results *result
	right := make([]row, rows)
	for i := range right {
		r := nextRandom(state)
		right[i].key = r % uint64(rows)
		right[i].payload = r >> 32
		for x := table[right[i].key&mask]; x != nil; x = x.same {
			if x.key == right[i].key {
				results = &result{results, x, &right[i]}
			}
		}
	}
	for y := results; y != nil; y = y.next {
		sum += y.left.payload ^ y.right.payload
	}
	return sum
}

func main() {
	rows, times := number(1, 50000), number(2, 40)
	state, sum := uint64(21), uint64(0)
	for i := 0; i < times; i++ {
		sum += join(&state, rows)
	}
	fmt.Printf("sum %d\n", sum)
}
