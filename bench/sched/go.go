// SPDX-License-Identifier: MIT
//
// bench/sched/go.go -- the work of mallow.c in Go
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var n int

func reportNs(name string, start time.Time, ops int) {
	fmt.Printf("%s %.1f ns\n", name, float64(time.Since(start))/float64(ops))
}

func pingpong() {
	there, back := make(chan int), make(chan int)
	go func() {
		for v := range there {
			back <- v
		}
	}()
	start := time.Now()
	for i := 0; i < n; i++ {
		there <- i
		<-back
	}
	reportNs("pingpong", start, n)
}

func buffered(name string, producers int) {
	c := make(chan int, 128)
	each := n / producers
	start := time.Now()
	for p := 0; p < producers; p++ {
		go func() {
			for i := 0; i < each; i++ {
				c <- i
			}
		}()
	}
	for i := 0; i < each*producers; i++ {
		<-c
	}
	reportNs(name, start, each*producers)
}

func select4() {
	var c [4]chan int
	for i := range c {
		c[i] = make(chan int)
		go func(c chan int) {
			for i := 0; ; i++ {
				c <- i
			}
		}(c[i])
	}
	start := time.Now()
	for i := 0; i < n; i++ {
		select {
		case <-c[0]:
		case <-c[1]:
		case <-c[2]:
		case <-c[3]:
		}
	}
	reportNs("select4", start, n)
}

func timeout() {
	c := make(chan int)
	go func() {
		for i := 0; ; i++ {
			c <- i
		}
	}()
	start := time.Now()
	for i := 0; i < n; i++ {
		select {
		case <-c:
		case <-time.After(time.Hour):
		}
	}
	reportNs("timeout", start, n)
}

func mutex8() {
	var m sync.Mutex
	var wg sync.WaitGroup
	count, each := 0, n/8
	start := time.Now()
	for g := 0; g < 8; g++ {
		wg.Add(1)
		go func() {
			for i := 0; i < each; i++ {
				m.Lock()
				count++
				m.Unlock()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	reportNs("mutex8", start, count)
}

func finish(wg *sync.WaitGroup) { wg.Done() }

func spawn() {
	var wg sync.WaitGroup
	start := time.Now()
	for i := 0; i < n; i++ {
		wg.Add(1)
		go finish(&wg)
		if i%64 == 63 {
			wg.Wait()
		}
	}
	wg.Wait()
	reportNs("spawn", start, n)
}

func yield() {
	var wg sync.WaitGroup
	each := n / 8
	start := time.Now()
	for g := 0; g < 8; g++ {
		wg.Add(1)
		go func() {
			for i := 0; i < each; i++ {
				runtime.Gosched()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	reportNs("yield", start, each*8)
}

func sleepMany() {
	var wg sync.WaitGroup
	seed := uint64(1)
	start := time.Now()
	for i := 0; i < n; i++ {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		ns := time.Duration(1000000 + seed%99000000)
		wg.Add(1)
		go func() {
			time.Sleep(ns)
			wg.Done()
		}()
	}
	wg.Wait()
	fmt.Printf("sleep %.1f ms\n", float64(time.Since(start))/1e6)
}

const period = time.Second

var (
	sampling atomic.Bool
	nsamples atomic.Int64
	late     [1000000]int64
)

func ticks(delay time.Duration) {
	time.Sleep(delay)
	for t := time.NewTicker(period); ; {
		<-t.C
	}
}
func sleepsOn(delay time.Duration) {
	time.Sleep(delay)
	for {
		since := time.Now()
		time.Sleep(period)
		if !sampling.Load() {
			continue
		}
		if i := nsamples.Add(1) - 1; int(i) < len(late) {
			late[i] = int64(time.Since(since) - period)
		}
	}
}
func cpuSeconds() float64 {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}
func many(name string, f func(time.Duration)) {
	for i := 0; i < n; i++ {
		go f(period/time.Duration(n)*time.Duration(i) + 1)
	}
	time.Sleep(2 * period)
	sampling.Store(true)
	start, before := time.Now(), cpuSeconds()
	time.Sleep(3 * period)
	fmt.Printf("%s %.1f %%\n", name, (cpuSeconds()-before)*100/time.Since(start).Seconds())
	sampling.Store(false)
	time.Sleep(time.Millisecond)
}
func sleepers() {
	many("sleepers", sleepsOn)
	got := late[:min(int(nsamples.Load()), len(late))]
	slices.Sort(got)
	fmt.Printf("sleepers_late %.1f us\n", float64(got[len(got)/2])/1e3)
	fmt.Printf("sleepers_late99 %.1f us\n", float64(got[len(got)-1-len(got)/100])/1e3)
}

// VmRSS + VmPTE in bytes.
func resident() float64 {
	kb := 0.0
	f, _ := os.Open("/proc/self/status")
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		w := strings.Fields(lines.Text())
		if w[0] == "VmRSS:" || w[0] == "VmPTE:" {
			v, _ := strconv.ParseFloat(w[1], 64)
			kb += v
		}
	}
	return kb * 1024
}

func parked() {
	c := make(chan int)
	var wg sync.WaitGroup
	before := resident()
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			wg.Done()
			<-c
		}()
	}
	wg.Wait()
	time.Sleep(20 * time.Millisecond)
	fmt.Printf("parked %.1f bytes\n", (resident()-before)/float64(n))
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	time.Sleep(20 * time.Millisecond)
	fmt.Printf("parked_gc %.1f bytes\n", (resident()-before)/float64(n))
	c <- 0
}

func main() {
	table := map[string]func(){
		"pingpong": pingpong, "select4": select4, "timeout": timeout, "mutex8": mutex8,
		"spawn": spawn, "yield": yield, "sleep": sleepMany, "parked": parked,
		"tickers": func() { many("tickers", ticks) }, "sleepers": sleepers,
		"buffered1": func() { buffered("buffered1", 1) },
		"buffered4": func() { buffered("buffered4", 4) },
	}
	if len(os.Args) == 3 && table[os.Args[1]] != nil {
		n, _ = strconv.Atoi(os.Args[2])
		table[os.Args[1]]()
		return
	}
	fmt.Fprintln(os.Stderr, "usage: sched-go NAME N")
	os.Exit(64)
}
