// SPDX-License-Identifier: MIT
//
// bench/binary_trees/go.go -- the work of mallow.c in Go, one goroutine a depth
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

const minDepth = 4

type node struct{ left, right *node }

func grow(depth int) *node {
	n := &node{}
	if depth > 0 {
		n.left = grow(depth - 1)
		n.right = grow(depth - 1)
	}
	return n
}

func (n *node) count() int {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func main() {
	maxDepth := 19
	if len(os.Args) > 1 {
		maxDepth, _ = strconv.Atoi(os.Args[1])
	}
	maxDepth = max(maxDepth, minDepth+2)

	fmt.Printf("stretch tree of depth %d\t check: %d\n", maxDepth+1, grow(maxDepth+1).count())
	longLived := grow(maxDepth)

	lines := make([]string, (maxDepth-minDepth)/2+1)
	var done sync.WaitGroup
	for i := range lines {
		depth := minDepth + 2*i
		trees := 1 << (maxDepth - depth + minDepth)
		done.Add(1)
		go func() {
			nodes := 0
			for j := 0; j < trees; j++ {
				nodes += grow(depth).count()
			}
			lines[i] = fmt.Sprintf("%d\t trees of depth %d\t check: %d", trees, depth, nodes)
			done.Done()
		}()
	}
	done.Wait()
	for _, line := range lines {
		fmt.Println(line)
	}
	fmt.Printf("long lived tree of depth %d\t check: %d\n", maxDepth, longLived.count())
}
