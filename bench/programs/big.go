// SPDX-License-Identifier: MIT
// bench/programs/big.go -- as big.c
package main

import "fmt"

func main() {
	n, times := uint64(number(1, 100))<<17, number(2, 12)
	state, sum := uint64(8), uint64(0)
	for t := 0; t < times; t++ {
		numbers := make([]uint64, n)
		pointers := make([]*uint64, n)
		for i := uint64(0); i < n; i += 64 {
			r := nextRandom(&state)
			numbers[i] = r
			pointers[i] = &numbers[r%n]
		}
		for i := uint64(0); i < n; i += 64 {
			sum += *pointers[i]
		}
	}
	fmt.Printf("sum %d\n", sum)
}
