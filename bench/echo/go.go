// SPDX-License-Identifier: MIT

// bench/echo/go.go -- mallow.c in Go.
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
)

const room = 4096

func serve(c net.Conn) {
	defer c.Close()
	in, out := make([]byte, room), make([]byte, 0, room+128)
	n := 0
	for {
		got, err := c.Read(in[n:])
		if err != nil {
			return
		}
		n += got
		for {
			end := bytes.Index(in[:n], []byte("\r\n\r\n"))
			if end < 0 {
				break
			}
			length := end + 4
			out = append(out[:0], "HTTP/1.1 200 OK\r\nContent-Length: "...)
			out = strconv.AppendInt(out, int64(length), 10)
			out = append(out, "\r\n\r\n"...)
			out = append(out, in[:length]...)
			if _, err := c.Write(out); err != nil {
				return
			}
			copy(in, in[length:n])
			n -= length
		}
		if n == room {
			return
		}
	}
}

func main() {
	port := "8081"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready")
	for {
		c, err := l.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go serve(c)
	}
}
