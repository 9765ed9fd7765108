// SPDX-License-Identifier: MIT
//
// bench/pool/go.go -- the work of mallow.c on Go's sync.Pool
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
)

type object struct {
	uses int
	rest [56]byte
}

var pool = sync.Pool{New: func() any { return new(object) }}

func arg(i, fallback int) int {
	if i >= len(os.Args) {
		return fallback
	}
	n, _ := strconv.Atoi(os.Args[i])
	return n
}

func cpuNs() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

func main() {
	pairs, n := arg(1, 20000000), arg(2, 1)
	var done sync.WaitGroup
	start := cpuNs()
	for range n {
		done.Add(1)
		go func() {
			for range pairs {
				o := pool.Get().(*object)
				o.uses++
				pool.Put(o)
			}
			done.Done()
		}()
	}
	done.Wait()
	fmt.Printf("pool_%d_ns %.2f\n", n, (cpuNs()-start)/float64(pairs*n))
}
