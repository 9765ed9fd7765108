// SPDX-License-Identifier: MIT
// bench/programs/weak.go -- as weak.c
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"weak"
)

type object struct {
	peer *object
	n    uint64
	word [4]uint64
}

var finalized, cleaned atomic.Uint64

func main() {
	n := number(1, 1000000)
	const nweak, nkept = 4096, 20000
	pointers := make([]weak.Pointer[object], nweak)
	kept := make([]*object, nkept)
	state := uint64(8)
	found := 0
	for i := 0; i < n; i++ {
		r := nextRandom(&state)
		o := &object{n: uint64(i), peer: kept[r%nkept]}
		if o.peer != nil {
			o.peer.peer = nil
		}
		switch r & 3 {
		case 0:
			runtime.SetFinalizer(o, func(o *object) { finalized.Add(o.n & 1) })
		case 1:
			runtime.AddCleanup(o, func(int) { cleaned.Add(1) }, 1)
		default:
			pointers[r>>20&(nweak-1)] = weak.Make(o)
		}
		kept[(r>>32)%nkept] = o
		if pointers[r>>44&(nweak-1)].Value() != nil {
			found++
		}
	}
	fmt.Fprintf(os.Stderr, "%d found, %d finalized, %d cleaned up\n", found, finalized.Load(), cleaned.Load())
	runtime.KeepAlive(kept)
	fmt.Printf("sum %d\n", state)
}
