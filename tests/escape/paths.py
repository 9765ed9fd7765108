# SPDX-License-Identifier: MIT
"""paths.py -- variables that are used on some ways through a function only (for generate.py)

A function declares variables and does not initialise them: at its top, in blocks, in turns of
loops.  Its statements are branches, loops, switches and jumps of every kind, decided at run time
by coin(), and uses of the variables here and there between them.  Beside each variable V there
are V_s, the value that it should have, and V_p, its address, once it has been taken: a use checks
both, so that all uses in one life have to be of one object.  When the life ends, the address
is kept with the value; so each life has to have had an object of its own.
"""

KINDS = [  # a variable's declaration and the int in it
    ("int V;", "V"),
    ("struct { long pad; int f; } V;", "V.f"),
    ("struct box V;", "(*(int *)&V.n)"),
    ("struct { char *name; int f; void *more[12]; } V;", "V.f"),
    ("int V[40];", "V[7]"),
    ("char V[96] __attribute__((aligned(16)));", "(*(int *)(void *)(V + 16))"),
    ("char V[96] __attribute__((aligned(64)));", "(*(int *)(void *)(V + 32))"),
    ("union { long l; int f; void *p; } V;", "V.f"),
]


class Scope:
    def __init__(self, variables):
        self.variables = variables  # (name, the int in it)


class Paths:
    """One function; chain(out, e) sends an address through steps, as generate.py does."""

    def __init__(self, rnd, ident, name, chain):
        self.r, self.id, self.name, self.chain = rnd, ident, name, chain
        self.scopes = []
        self.labels = []  # (label, number of scopes open there)
        self.again = 0  # what may be passed more than once around this place
        self.left = 16  # statements to be made

    def declare(self, out, volatile=""):
        kind, place = self.r.choice(KINDS)
        v = self.name("x")
        kind = volatile + kind.replace("V", v)
        out += [f"int *{volatile}{v}_p = NULL; {volatile}int {v}_s = 0;", kind]
        if volatile:
            place = place.replace("(int *)", "(volatile int *)")
        return v, place.replace("V", v)

    def ends(self, scopes):
        """What is done when the lives in these scopes end."""
        return " ".join(f"if ({v}_p) keep({v}_p, {v}_s, {self.id});"
                        for s in reversed(scopes) for v, _ in s.variables)

    def use(self, out):
        r = self.r
        v, x = r.choice(r.choice([s for s in self.scopes if s.variables]).variables)
        k, n = r.randrange(8), r.randrange(1000)
        if k <= 2:
            out.append(f"{x} = {v}_s = {n}; if ({v}_p && {v}_p != &{x}) abort(); {v}_p = (int *)&{x};")
        elif k == 3:
            lines = []
            e = self.chain(lines, f"((int *)&{x})")
            out.append(f"{{ {x} = {v}_s = {n}; {' '.join(lines)} int *q = {e};"
                       f" if ({v}_p && {v}_p != q) abort(); {v}_p = q; }}")
        elif k == 4:
            out.append(f"if ({v}_p) {{ if ({v}_p != &{x} || {x} != {v}_s) abort(); {x} += {n};"
                       f" {v}_s += {n}; }}")
        elif k == 5:
            out.append(f"if ({v}_p) {{ *{v}_p += {n}; {v}_s += {n}; }}")
        elif k == 6:
            out.append(f"if ({v}_p && *{v}_p != {v}_s) abort();")
        else:
            out.append(f"if (coin() & 1) {{ {x} = {v}_s = {n}; if ({v}_p && {v}_p != &{x}) abort();"
                       f" {v}_p = (int *)&{x}; }}")

    def scope(self, into=False):
        """A block with variables of its own; into: a switch that jumps over their declarations."""
        lines = []
        s = Scope([self.declare(lines) for _ in range(self.r.randrange(1, 3))])
        self.scopes.append(s)
        body = self.block(2 + self.r.randrange(3))
        end = self.ends([s])
        self.scopes.pop()
        if into:
            return ["{"] + lines[::2] + ["switch (coin() & 1) {"] + lines[1::2] + ["default:;"] + \
                body + [end, "}}"]
        return ["{"] + lines + body + [end, "}"]

    def block(self, n):
        out = []
        for _ in range(n):
            self.statement(out)
        return ["  " + x for x in out]

    def often(self, n):
        self.again += 1
        lines = self.block(n)
        self.again -= 1
        return lines

    def leave(self, out):
        """Jumps out of blocks, ending the lives there: to a label further down, or returns."""
        if self.labels and self.r.random() < 0.8:
            label, depth = self.r.choice(self.labels)
            out.append(f"if ((coin() & 3) == 0) {{ {self.ends(self.scopes[depth:])} goto {label}; }}")
        else:
            out.append(f"if ((coin() & 7) == 0) {{ {self.ends(self.scopes)} return; }}")

    def labelled(self, n):
        label = self.name("l")
        self.labels.append((label, len(self.scopes)))
        lines = self.block(n)
        self.labels.pop()
        return lines + [f"{label}:;"]

    def statement(self, out):
        r = self.r
        self.left -= 1
        k = r.randrange(20) if self.left > 0 else 0
        few = r.randrange(1, 4)
        if k <= 5:
            self.use(out)
        elif k <= 8:
            out += ["if (coin() & 1) {"] + self.block(few) + ["}"]
            if r.random() < 0.5:
                out += ["else {"] + self.block(few) + ["}"]
        elif k == 9:
            i = self.name("i")
            out += [f"for (int {i} = 0; {i} < {r.randrange(1, 4)}; {i}++) {{"] + self.often(few) + ["}"]
        elif k == 10:
            stop = r.choice(["break", "continue"])
            out += ["while (fuel-- > 0) {"] + self.often(few) + [
                f"if (coin() & 1) {stop};"] + self.often(1) + ["}"]
        elif k == 11:
            out.append("switch (coin() & 3) {")
            for case in r.sample(["case 0:;", "case 1:;", "case 2:;", "default:;"], 3):
                out += [case] + self.block(few) + r.choice([["break;"], ["/* fallthrough */"]])
            out.append("}")
        elif k == 12:
            out += self.labelled(few + 1)
        elif k == 13:
            self.leave(out)
        elif k == 14:
            again = self.name("l")
            out += [f"{again}:;"] + self.often(few) + [f"if (fuel-- > 0 && (coin() & 1)) goto {again};"]
        elif k == 15:
            # into the middle of a loop
            mid = self.name("l")
            out += [f"if (coin() & 1) goto {mid}; while (fuel-- > 0) {{"] + self.often(few) + [
                f"{mid}:;"] + self.often(few) + ["}"]
        elif k == 16:
            # each of them may come after the other
            t, a, b, end = (self.name("l") for _ in range(4))
            out += [f"static const void *const {t}[] = {{&&{a}, &&{b}, &&{end}}}; goto *{t}[coin() % 3];",
                    f"{a}:;"] + self.often(few) + [f"if (fuel-- > 0) goto *{t}[coin() % 3];", f"{b}:;"] + \
                self.often(few) + [f"if (fuel-- > 0) goto *{t}[coin() % 3];", f"{end}:;"]
        elif k == 17 and not self.again:
            out += self.scope(into=True)
        else:
            out += self.scope()

    def text(self):
        r = self.r
        lines, back = [], ""
        if r.random() < 0.1:
            # comes back to a place that it has left
            back = self.name("back")
            lines.append(f"jmp_buf {back};")
        s = Scope([self.declare(lines, "volatile " if back else "") for _ in range(r.randrange(1, 4))])
        self.scopes.append(s)
        if back:
            lines += [f"if (setjmp({back})) {{"] + self.block(3) + [f"}} else {{"] + self.block(3) + [
                f"if (coin() & 1) longjmp({back}, 1); }}"]
        else:
            lines += self.block(6)
        lines.append(self.ends([s]))
        return f"static NOINLINE void paths{self.id}(void) {{\n" + "".join(f"  {x}\n" for x in lines) + "}\n"
