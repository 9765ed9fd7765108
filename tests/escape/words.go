// SPDX-License-Identifier: MIT

// Functions for words.sh: the same are in words.c, with the same names.
package main

type T struct {
	v    int32
	next *T
	ptr  *int32
}
type P struct{ a, b *int32 }
type H struct {
	run func(*int32, *T)
	arg *T
}
type Ring struct {
	self *Ring
	buf  [4]int32
}

var gT *T
var gp *int32
var gpp **int32
var gs []*int32
var ga [4]*int32
var gi int32
var gh H
var gc chan *T

// 1: two results, each a parameter's
func f1(a1, b1 *int32) (*int32, *int32) { return b1, a1 }

// 2: one of the two results is kept
func f2(k int32) int32 {
	x2, y2 := k, k
	p, q := f1(&x2, &y2)
	gp = p
	return *q
}

// 3: a table of functions, found in a parameter
func f3(h3 *H, k int32) { x3 := k; h3.run(&x3, h3.arg) }

// 4: a function pointer that is always the same one
func reads4(p4 *int32, t4 *T) { gi += *p4 + t4.v }
func f4(k int32) int32 {
	x4 := k
	t4b := T{v: k}
	reads4(&x4, &t4b)
	return x4
}

// 5: the length of a list, and its last element
func f5(l5 *T) int32 {
	n := int32(0)
	for ; l5 != nil; l5 = l5.next {
		n++
	}
	return n
}
func f6(l6 *T) *T {
	for l6.next != nil {
		l6 = l6.next
	}
	return l6
}

// 7: a list of the frame's own, built in a loop, that stays; and one that does not
func f7(n int) int32 {
	var l7 *T
	for i := 0; i < n; i++ {
		e7 := new(T)
		e7.next = l7
		l7 = e7
	}
	return f5(l7)
}
func f8(n int) {
	for i := 0; i < n; i++ {
		e8 := new(T)
		e8.next = gT
		gT = e8
	}
}

// 9: an array of pointers, a slice of it
func f9(k int32) int32 {
	var x9, y9 int32 = k, k
	a9 := [2]*int32{&x9, &y9}
	s := a9[:]
	return *s[k&1]
}
func f10(s10 []*int32, k int32) *int32 { return s10[k&3] }
func f11(s11 []*int32, k int32)        { x11 := k; s11[0] = &x11 }
func f12(s12 []int32) []int32          { return s12[1:] }

// 13: a value copied out, through two pointers
func f13(p13 **T) T    { return **p13 }
func f14(p14 **T)      { gT = *p14 }
func f15(p15 **T)      { gp = (*p15).ptr }
func f16(p16, q16 **T) { *p16 = *q16 }

// 17: an element's and a field's address
func f17(t17 *T) *int32         { return &t17.v }
func f18(s18 []T, i int) *int32 { return &s18[i].v }
func f19(k int32) *int32        { t19 := T{v: k}; return &t19.v }

// 20: struct by value, with pointers
func f20(p20 P) int32  { return *p20.a + *p20.b }
func f21(p21 P) *int32 { return p21.b }
func f22(p22 P)        { gp = p22.a }

// 23: on one way only
func f23(c bool, k int32) int32 {
	x23 := k
	if c {
		gp = &x23
	}
	return x23
}

// 24: assigned and overwritten before it can be seen
func f24(k int32) int32 {
	x24, y24 := k, k
	p := &x24
	p = &y24
	return *p
}

// 25: sent, received
func f25(t25 *T)  { gc <- t25 }
func f26(k int32) { t26 := T{v: k}; gc <- &t26 }
func f27() int32  { t := <-gc; return t.v }

// 28: goroutines
func work28(t28 *T) { t28.v++ }
func f28(k int32)   { t28b := T{v: k}; go work28(&t28b) }

// 29: recursion over a tree that is handed down
func f29(t29 *T, d int) int32 {
	if d == 0 {
		return t29.v
	}
	u29 := T{next: t29}
	return f29(&u29, d-1)
}

// 30: ... that keeps what it is handed in the end
func f30(t30 *T, d int) {
	if d == 0 {
		gT = t30
		return
	}
	f30(t30, d-1)
}

// 31: a parameter reassigned; a parameter's address
func f31(p31 *int32, k int32) int32 {
	x31 := k
	if k > 3 {
		p31 = &x31
	}
	return *p31
}
func f32(p32 *int32) **int32 { return &p32 }
func f33(p33 *int32) int32   { q := &p33; return **q }

// 34: in a struct in a struct
type D struct{ in struct{ t *T } }

func f34(d34 *D) *T { return d34.in.t }
func f35(k int32) int32 {
	t35 := T{v: k}
	d35 := D{}
	d35.in.t = &t35
	return f34(&d35).v
}

// 36: a global struct's field; a global array's element
func f36(p36 *T)     { gh.arg = p36 }
func f37(p37 *int32) { ga[1] = p37 }
func f38(k int32)    { x38 := k; gpp = &ga[k&3]; *gpp = &x38 }

// 39: big ones, and of unknown size
func f39(k int32) int32 { a39 := new([116000]int32); a39[k&7] = k; return a39[0] }
func f40(k int32) int32 { a40 := new([16000]int32); a40[k&7] = k; return a40[0] }

// 41: a method's receiver that is kept, and one that is returned
func (t41 *T) keep()    { gT = t41 }
func (t42 *T) same() *T { return t42 }
func (t43 *T) sum() int32 {
	return t43.v + t43.next.v
}
func f43(k int32) int32 {
	a43, b43, c43 := T{v: k}, T{v: k}, T{v: k}
	a43.keep()
	c43.next = &c43
	return b43.same().v + c43.sum()
}

func main() {}
