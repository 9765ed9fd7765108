// SPDX-License-Identifier: MIT
//
// tests/escape/pairs.go -- the functions of pairs.c in Go; pairs.sh compares
package main

type n struct {
	next *n
	v    int32
	p    *int32
}
type w struct {
	p *int32
	k int32
}

var gp *int32
var gn *n
var vol int32

func use(p *int32) int32 { return *p + 1 }
func id(p *int32) *int32 { return p }
func down(p *int32, d int32) int32 {
	x10 := *p
	if d == 0 {
		return x10
	}
	return down(&x10, d-1)
}
func even(p *int32, d int32) int32 {
	x11 := *p + 1
	if d == 0 {
		return x11
	}
	return odd(&x11, d-1)
}
func odd(p *int32, d int32) int32 {
	y11 := *p + 2
	if d == 0 {
		return y11
	}
	return even(&y11, d-1)
}
func f1(k int32) w     { x1 := k; s := w{&x1, 0}; return s }
func f2(k int32) int32 { x2 := k; y2 := int32(2); a := [2]*int32{&x2, &y2}; return *a[0] + *a[1] }
func f3(k int32) int32 {
	x3 := k
	y3 := int32(2)
	var a [4]*int32
	for i := 0; i < 4; i++ {
		if i&1 != 0 {
			a[i] = &x3
		} else {
			a[i] = &y3
		}
	}
	return *a[k&3]
}
func f4(k int32) int32 { x4 := k; s := make([]*int32, 4); s[k&3] = &x4; return *s[k&3] }
func f5(k int32) int32 {
	a5 := n{nil, k, nil}
	b5 := n{&a5, 2, nil}
	t := int32(0)
	for p := &b5; p != nil; p = p.next {
		t += p.v
	}
	return t
}
func f6(k int32) *int32                      { x6 := k; var p *int32; pp := &p; *pp = &x6; return *pp }
func f7(k int32) int32                       { x7 := k; var p7 *int32; pp := &p7; *pp = &x7; return **pp }
func f8(f func(*int32) int32, k int32) int32 { x8 := k; return f(&x8) }
func f9(k int32) int32                       { x9 := k; return use(&x9) }
func f10(k int32) int32                      { z10 := k; return down(&z10, 3) }
func f11(k int32) int32                      { z11 := k; return even(&z11, 3) }
func f12(k int32) int32                      { x12 := k; p := id(&x12); return *p }
func f13(k int32) *int32                     { x13 := k; return id(&x13) }
func swap(a, b **int32)                      { t := *a; *a = *b; *b = t }
func f14(k int32) int32 {
	x14 := k
	y14 := int32(2)
	p14 := &x14
	q14 := &y14
	swap(&p14, &q14)
	return *p14
}
func f15(n int32) int32 {
	var p *int32
	for i := int32(0); i < n; i++ {
		x15 := i
		if p != nil {
			x15 += *p
		}
		p = &x15
	}
	if p != nil {
		return *p
	}
	return 0
}
func f16(k int32) int32 {
	var l *n
	for i := int32(0); i < k; i++ {
		e := new(n)
		e.next = l
		l = e
	}
	if l != nil {
		return l.v
	}
	return 0
}
func worker(p *int32)            { *p = 1 }
func f17(k int32)                { x17 := k; go worker(&x17) }
func f18(c chan *int32, k int32) { x18 := k; c <- &x18 }
func f19(c chan int32) int32     { x19 := <-c; return x19 }
func f20(o *w, k int32)          { x20 := k; s := w{&x20, 1}; *o = s }
func f21(k int32) int32          { x21 := k; s := w{&x21, 1}; t := s; return *t.p }
func f22(n int) int32            { b := make([]byte, n); b[0] = 1; return int32(b[n-1]) }
func f23(k int32) int32          { var x23 [200000]byte; x23[k] = 1; return int32(x23[k+vol]) }
func f30(c bool) int32 {
	x30 := int32(1)
	y30 := int32(2)
	q := &y30
	if c {
		q = &x30
	}
	*q = 3
	return x30 + y30
}
func f31(c bool, p31, q31 *int32) *int32 {
	if c {
		return p31
	}
	return q31
}

type ops interface{ run(*int32) int32 }

func f32(o ops, k int32) int32 { x32 := k; return o.run(&x32) }

type box struct {
	first *n
	cnt   *int32
}

func box_add(b *box, e *n)  { e.next = b.first; b.first = e }
func f33(k int32) int32     { b33 := box{}; e33 := n{nil, k, nil}; box_add(&b33, &e33); return b33.first.v }
func f34(k int32) int32     { b34 := new(box); x34 := k; b34.cnt = &x34; return *b34.cnt }
func fill(o *w, v *int32)   { o.p = v }
func f35(k int32) int32     { var s35 w; x35 := k; fill(&s35, &x35); return *s35.p }
func pick(o *w) *int32      { return o.p }
func f36(p36 *int32) *int32 { s36 := w{p36, 0}; return pick(&s36) }
func f37(k int32) int32     { x37 := k; e := new(n); e.p = &x37; gn = e; return x37 }

type deep struct {
	w w
	n n
}

func f38(k int32) int32 {
	var d38 deep
	x38 := k
	d38.n.p = &x38
	d38.w.p = nil
	gp = d38.w.p
	return *d38.n.p
}
func f39(k int32) int32 {
	t := int32(0)
	for i := int32(0); i < k; i++ {
		e39 := new(n)
		e39.v = i
		t += e39.v
	}
	return t
}
func f40(k int32) int32  { p40 := new(int32); *p40 = k; q := p40; return *q }
func main()              {}
func f25(s string) int32 { var b25 [64]byte; copy(b25[:], s); return int32(b25[vol&63]) }
func f27(p27 *n)         { gn = p27.next }
func f28(p28 *n) *n      { return p28.next }
func f29(c bool, k int32) int32 {
	x29 := k
	if c {
		gp = &x29
	}
	return x29
}
