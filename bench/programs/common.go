// SPDX-License-Identifier: MIT
// bench/programs/common.go -- what every program has: arguments and random numbers
package main

import (
	"os"
	"strconv"
)

func nextRandom(state *uint64) uint64 {
	*state ^= *state << 13
	*state ^= *state >> 7
	*state ^= *state << 17
	return *state
}

func number(i, otherwise int) int {
	if i >= len(os.Args) {
		return otherwise
	}
	n, _ := strconv.Atoi(os.Args[i])
	return n
}
