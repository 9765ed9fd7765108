// SPDX-License-Identifier: MIT
//
// bench/alloc/go.go -- the loop of alloc.h in Go
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
	"unsafe"
)

const windowSize = 128

type object[rest any] struct {
	next unsafe.Pointer
	rest rest
}

var window [windowSize]unsafe.Pointer

func run[rest any](megabytes int) {
	size := int(unsafe.Sizeof(object[rest]{}))
	n := megabytes * 1048576 / size
	start := time.Now()
	for i := 0; i < n; i++ {
		o := new(object[rest])
		o.next = window[(i+windowSize-1)%windowSize]
		window[i%windowSize] = unsafe.Pointer(o)
		if i%windowSize == 0 {
			o.next = nil
		}
	}
	fmt.Printf("alloc_%d_ns %.1f\n", size, float64(time.Since(start))/float64(n))
	clear(window[:])
}

func main() {
	megabytes := 512
	if len(os.Args) > 1 {
		megabytes, _ = strconv.Atoi(os.Args[1])
	}
	run[[16 - 8]byte](megabytes)
	run[[32 - 8]byte](megabytes)
	run[[64 - 8]byte](megabytes)
	run[[128 - 8]byte](megabytes)
	run[[256 - 8]byte](megabytes)
	run[[1024 - 8]byte](megabytes)
	run[[4096 - 8]byte](megabytes)
	run[[32768 - 8]byte](megabytes)
	run[[262144 - 8]byte](megabytes)
}
