// SPDX-License-Identifier: MIT
// bench/programs/list.go -- as list.c
package main

import "fmt"

type link struct {
	next *link
	n    uint64
}

func listOf(n uint64) *link {
	var list *link
	for i := uint64(0); i < n; i++ {
		list = &link{list, i}
	}
	return list
}

func sum(l *link) uint64 {
	s := uint64(0)
	for ; l != nil; l = l.next {
		s += l.n
	}
	return s
}

func main() {
	length, s := uint64(number(1, 3000000)), uint64(0)
	kept := listOf(length)
	for i := 0; i < 100; i++ {
		s += sum(listOf(length / 20))
	}
	fmt.Printf("sums %d %d\n", s, sum(kept))
}
