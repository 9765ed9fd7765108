# SPDX-License-Identifier: MIT
# of poll-breakpoint.c: arguments of each function's first call, then how many calls there were
set confirm off
set width 0
set debuginfod enabled off
handle SIGURG nostop noprint pass
break grow_tree
break even
break odd
break deep
run
info args
ignore 1 99999
continue
info args
ignore 2 99999
ignore 3 99999
continue
info args
print b.a[0]
ignore 4 99999
continue
info breakpoints
