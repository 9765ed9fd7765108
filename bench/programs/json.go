// SPDX-License-Identifier: MIT
// bench/programs/json.go -- as json.c
package main

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	isNumber = iota
	isString
	isArray
	isObject
)

type value struct {
	kind   int
	next   *value
	name   string
	number float64
	str    string
	first  *value
}

var (
	out  strings.Builder
	text string
	at   int
)

func writeValue(state *uint64, depth int) {
	r := nextRandom(state)
	n := 3 + int(r>>8&7)
	kind := int(r & 3)
	if depth == 0 {
		kind = int(r & 1)
	}
	switch kind {
	case isNumber:
		fmt.Fprintf(&out, "%d", r>>40)
	case isString:
		fmt.Fprintf(&out, "\"%0*x\"", n, r>>40)
	case isArray:
		for i := 0; i < n; i++ {
			if i == 0 {
				out.WriteString("[")
			} else {
				out.WriteString(", ")
			}
			writeValue(state, depth-1)
		}
		out.WriteString("]")
	default:
		for i := 0; i < n; i++ {
			if i == 0 {
				out.WriteString("{")
			} else {
				out.WriteString(", ")
			}
			fmt.Fprintf(&out, "\"name%d\": ", i)
			writeValue(state, depth-1)
		}
		out.WriteString("}")
	}
}

func skip(set string) {
	for strings.IndexByte(set, text[at]) >= 0 {
		at++
	}
}

func parseString() string {
	at++
	n := strings.IndexByte(text[at:], '"')
	s := strings.Clone(text[at : at+n])
	at += n + 1
	return s
}

func parse() *value {
	v := &value{}
	switch c := text[at]; c {
	case '"':
		v.kind = isString
		v.str = parseString()
	case '[', '{':
		v.kind = isArray
		if c == '{' {
			v.kind = isObject
		}
		last := &v.first
		for text[at] != ']' && text[at] != '}' {
			name := ""
			at++
			skip(" ")
			if v.kind == isObject {
				name = parseString()
				skip(": ")
			}
			member := parse()
			member.name = name
			*last = member
			last = &member.next
		}
		at++
	default:
		end := at
		for text[end] >= '0' && text[end] <= '9' {
			end++
		}
		v.number, _ = strconv.ParseFloat(text[at:end], 64)
		at = end
	}
	return v
}

func check(v *value) uint64 {
	sum := uint64(len(v.name))
	switch v.kind {
	case isNumber:
		return sum + uint64(v.number)
	case isString:
		return sum + uint64(len(v.str))
	}
	for m := v.first; m != nil; m = m.next {
		sum += check(m)
	}
	return sum
}

func main() {
	times := number(1, 40)
	state, sum := uint64(77), uint64(0)
	out.WriteString("[0")
	for out.Len() < 1000000 {
		out.WriteString(", ")
		writeValue(&state, 6)
	}
	out.WriteString("]")
	text = out.String()
	for i := 0; i < times; i++ {
		at = 0
		sum += check(parse())
	}
	fmt.Printf("%d bytes, sum %d\n", len(text), sum)
}
