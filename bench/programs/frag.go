// SPDX-License-Identifier: MIT
// bench/programs/frag.go -- as frag.c
package main

import "fmt"

func main() {
	live, phases := number(1, 64)<<20, number(2, 12)
	const slots = 1 << 18
	held := make([][]byte, slots)
	state, sum := uint64(5), uint64(0)
	now, most, at := 0, 0, 0
	for p := 0; p < phases; p++ {
		centre := 16 << (p * 5 % 9)
		for put := 0; put < 4*live; {
			r := nextRandom(&state)
			bytes, i := centre+int((r>>8)%uint64(3*centre)), r>>40&(slots-1)
			if n := len(held[i]); n > 0 {
				sum += uint64(held[i][n-1])
				now -= n
			}
			b := make([]byte, bytes)
			for j := 0; j < bytes; j += 512 {
				b[j] = byte(r)
			}
			b[bytes-1] = byte(r)
			held[i] = b
			now += bytes
			put += bytes
			for ; now > live; at = (at + 1) & (slots - 1) {
				now -= len(held[at])
				held[at] = nil
			}
			most = max(most, now)
		}
	}
	fmt.Printf("%d MB live at most, sum %d\n", most>>20, sum)
}
