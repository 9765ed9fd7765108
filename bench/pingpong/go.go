// SPDX-License-Identifier: MIT
//
// bench/pingpong/go.go -- the work of mallow.c in Go
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const pipeRoom = 128

func print(what string, start time.Time, n int) {
	fmt.Printf("%s_ns_per_message %.1f\n", what, float64(time.Since(start))/float64(n))
}

func main() {
	messages := 1000000
	if len(os.Args) > 1 {
		messages, _ = strconv.Atoi(os.Args[1])
	}
	there, back := make(chan int), make(chan int)
	go func() {
		for value := range there {
			back <- value + 1
		}
		close(back)
	}()
	start := time.Now()
	value := 0
	for i := 0; i < messages/2; i++ {
		there <- value
		value = <-back
	}
	print("pingpong", start, messages)
	if value != messages/2 {
		os.Exit(1)
	}
	close(there)

	pipe := make(chan int, pipeRoom)
	go func() {
		for i := 0; i < messages; i++ {
			pipe <- i
		}
		close(pipe)
	}()
	start = time.Now()
	received := 0
	for range pipe {
		received++
	}
	print("pipe", start, messages)
	if received != messages {
		os.Exit(1)
	}
}
