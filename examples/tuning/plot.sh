#!/bin/sh
# SPDX-License-Identifier: MIT
#
# plot.sh -- tuning.dat, as sweep.sh leaves it, drawn to tuning.svg: memory against CPU

set -eu
command -v gnuplot >/dev/null 2>&1 || { echo "plot.sh: needs gnuplot (apt-get install gnuplot-nox)" >&2; exit 1; }
gnuplot <<'END'
set terminal svg size 720,480 background "white"
set output "tuning.svg"
set datafile separator "\t"
set title "The same work, with GOGC and with a memory limit"
set xlabel "most memory held (MB)"
set ylabel "CPU time (ms)"
set xrange [0:*]
set yrange [0:*]
set key top right
plot "< grep -v GOMEMLIMIT tuning.dat" using 2:4 with linespoints pt 7 title "GOGC", \
     "< grep -v GOMEMLIMIT tuning.dat" using 2:4:1 with labels offset 1,1 left notitle, \
     "< grep GOMEMLIMIT tuning.dat" using 2:4 with linespoints pt 5 title "GOGC=off and a limit", \
     "< grep GOMEMLIMIT tuning.dat | sed s/GOGC=off.GOMEMLIMIT=//" using 2:4:1 with labels offset 1,-1 left notitle
END
