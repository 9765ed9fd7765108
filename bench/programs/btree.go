// SPDX-License-Identifier: MIT
// bench/programs/btree.go -- as btree.c
package main

import "fmt"

const (
	least = 8
	most  = 2*least - 1
)

type node struct {
	n    int
	leaf bool
	key  [most]uint64
	kid  [most + 1]*node
}

var root *node

func (x *node) place(key uint64) int {
	i := 0
	for i < x.n && x.key[i] < key {
		i++
	}
	return i
}

func (x *node) openGap(i int, key uint64, right *node) {
	copy(x.key[i+1:x.n+1], x.key[i:x.n])
	copy(x.kid[i+2:x.n+2], x.kid[i+1:x.n+1])
	x.key[i] = key
	x.kid[i+1] = right
	x.n++
}

func (x *node) closeGap(i int) {
	x.n--
	copy(x.key[i:x.n], x.key[i+1:x.n+1])
	copy(x.kid[i+1:x.n+1], x.kid[i+2:x.n+2])
	x.kid[x.n+1] = nil
}

func (x *node) split(i int) {
	left := x.kid[i]
	right := &node{leaf: left.leaf, n: least - 1}
	copy(right.key[:], left.key[least:])
	copy(right.kid[:], left.kid[least:])
	clear(left.kid[least:])
	left.n = least - 1
	x.openGap(i, left.key[least-1], right)
}

func insert(key uint64) {
	if root.n == most {
		above := &node{}
		above.kid[0] = root
		root = above
		above.split(0)
	}
	for x := root; ; {
		i := x.place(key)
		if i < x.n && x.key[i] == key {
			return
		}
		if x.leaf {
			x.openGap(i, key, nil)
			return
		}
		if x.kid[i].n == most {
			x.split(i)
			if x.key[i] == key {
				return
			}
			if x.key[i] < key {
				i++
			}
		}
		x = x.kid[i]
	}
}

func (x *node) merge(i int) {
	left, right := x.kid[i], x.kid[i+1]
	left.key[left.n] = x.key[i]
	copy(left.key[left.n+1:], right.key[:right.n])
	copy(left.kid[left.n+1:], right.kid[:right.n+1])
	left.n += right.n + 1
	x.closeGap(i)
}

func (x *node) fill(i int) int {
	kid := x.kid[i]
	if kid.n >= least {
		return i
	}
	if i > 0 && x.kid[i-1].n >= least {
		left := x.kid[i-1]
		copy(kid.key[1:kid.n+1], kid.key[:kid.n])
		copy(kid.kid[1:kid.n+2], kid.kid[:kid.n+1])
		kid.key[0] = x.key[i-1]
		kid.kid[0] = left.kid[left.n]
		kid.n++
		x.key[i-1] = left.key[left.n-1]
		left.kid[left.n] = nil
		left.n--
		return i
	}
	if i < x.n && x.kid[i+1].n >= least {
		right := x.kid[i+1]
		kid.key[kid.n] = x.key[i]
		kid.n++
		kid.kid[kid.n] = right.kid[0]
		x.key[i] = right.key[0]
		right.kid[0] = right.kid[1]
		right.closeGap(0)
		return i
	}
	if i == x.n {
		i--
	}
	x.merge(i)
	return i
}

func (x *node) delete(key uint64) {
	for {
		i := x.place(key)
		here := i < x.n && x.key[i] == key
		if x.leaf {
			if here {
				x.closeGap(i)
			}
			return
		}
		if here && x.kid[i].n >= least {
			y := x.kid[i]
			for !y.leaf {
				y = y.kid[y.n]
			}
			key = y.key[y.n-1]
			x.key[i] = key
			x = x.kid[i]
		} else if here && x.kid[i+1].n >= least {
			y := x.kid[i+1]
			for !y.leaf {
				y = y.kid[0]
			}
			key = y.key[0]
			x.key[i] = key
			x = x.kid[i+1]
		} else if here {
			x.merge(i)
			x = x.kid[i]
		} else {
			x = x.kid[x.fill(i)]
		}
	}
}

func deleteKey(key uint64) {
	old := root
	root.delete(key)
	if old.n == 0 && !old.leaf {
		root = old.kid[0]
	}
}

func (x *node) sum() uint64 {
	s := uint64(0)
	for i := 0; i < x.n; i++ {
		s += x.key[i]
	}
	for i := 0; !x.leaf && i <= x.n; i++ {
		s += x.kid[i].sum()
	}
	return s
}

func main() {
	held, turns := number(1, 200000), number(2, 1000000)
	in, out := uint64(3), uint64(3)
	root = &node{leaf: true}
	for i := 0; i < held; i++ {
		insert(nextRandom(&in) >> 8)
	}
	for i := 0; i < turns; i++ {
		insert(nextRandom(&in) >> 8)
		deleteKey(nextRandom(&out) >> 8)
	}
	fmt.Printf("sum %d\n", root.sum())
}
