// SPDX-License-Identifier: MIT
// bench/programs/graph.go -- as graph.c
package main

import "fmt"

const degree = 4

type node struct {
	to      [degree]*node
	n, seen uint64
}

func search(from *node, turn uint64, queue []*node) uint64 {
	sum := uint64(0)
	head, tail := 0, 0
	from.seen = turn
	queue[tail] = from
	tail++
	for head < tail {
		x := queue[head]
		head++
		sum += x.n
		for _, y := range x.to {
			if y != nil && y.seen != turn && tail < len(queue) {
				y.seen = turn
				queue[tail] = y
				tail++
			}
		}
	}
	return sum
}

func main() {
	nodes, turns := uint64(number(1, 200000)), number(2, 40)
	known := make([]*node, nodes)
	queue := make([]*node, 20000)
	state, sum, n := uint64(6), uint64(0), uint64(0)
	for t := 1; t <= turns; t++ {
		for i := uint64(0); i < nodes/2; i++ {
			r := nextRandom(&state)
			x := &node{n: n}
			n++
			for k := 0; k < degree; k++ {
				other := known[nextRandom(&state)%nodes]
				x.to[k] = other
				if other != nil {
					other.to[k] = x
				}
			}
			known[r%nodes] = x
		}
		for i := 0; i < 5; i++ {
			if known[i] != nil {
				sum += search(known[i], uint64(5*t+i), queue)
			}
		}
	}
	fmt.Printf("sum %d\n", sum)
}
