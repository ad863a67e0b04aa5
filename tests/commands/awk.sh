#### fields
echo 'a b c' | awk '{print $1, $3}'; echo 'a b c' | awk '{print $NF}'; echo 'a b c' | awk '{print NF}'
#### -F
echo a:b:c | awk -F: '{print $2}'; echo 'a, b' | awk -F', ' '{print $2}'; echo a1b22c | awk -F'[0-9]+' '{print $3}'; echo 'a|b' | awk -F'|' '{print $2}'; printf 'a\tb c\n' | awk -F'\t' '{print $2}'
#### patterns
printf 'a 1\nb 2\nc 3\n' > f; awk '/b/' f; awk '$2 > 1' f; awk '$1 == "c" {print $2}' f; awk 'NR==2' f; awk 'NR==1,NR==2' f; awk '!/b/' f
#### BEGIN and END
seq 4 | awk 'BEGIN {print "start"} {s += $1} END {print s, NR}'
#### -v
awk -v x=5 -v y=hi 'BEGIN {print x + 1, y}'
#### arithmetic
awk 'BEGIN {print 1/3, 2^10, 7%3, -2+5, int(3.9), 1e6, 100000000, 0.1+0.2}'
#### arrays
printf 'a\nb\na\nc\na\n' | awk '{n[$1]++} END {for (k in n) print k, n[k]}' | sort
#### in and delete
awk 'BEGIN {a["x"]=1; if ("x" in a) print "yes"; delete a["x"]; if (!("x" in a)) print "no"; a[1,2]=3; for (k in a) {split(k, p, SUBSEP); print p[1], p[2]}}'
#### duplicates
printf 'a\nb\na\n' | awk '!seen[$0]++'
#### string functions
awk 'BEGIN {s="hello world"; print length(s), substr(s, 1, 5), index(s, "wor"), toupper(s), tolower("ABC"); n = split("a:b:c", p, ":"); print n, p[3]; print match(s, /o+/), RSTART, RLENGTH}'
#### sub and gsub
echo 'foo bar foo' | awk '{gsub(/foo/, "x"); print}'; echo aaa | awk '{n = gsub("a", "[&]"); print n, $0}'; echo a.b | awk '{sub(/\./, "-"); print}'; echo 'a b' | awk '{gsub(/a/, "z", $1); print $1, $2}'
#### assigning fields
echo 'a b c' | awk '{$2 = "x"; print}'; echo 'a b c' | awk 'BEGIN{OFS="-"} {$1=$1; print}'; echo 'a b c' | awk '{NF=2; print}'; echo a | awk '{$3="c"; print; print NF}'
#### next and exit
seq 5 | awk '$1==2 {next} $1==4 {exit 3} {print}'; echo $?
#### getline from a file
printf '1\n2\n' > f; awk 'BEGIN {while ((getline line < "f") > 0) print "got", line; close("f")}'
#### getline
seq 4 | awk '{getline; print}'; seq 4 | awk 'NR==1 {getline x; print x} END {print NR}'
#### output to a file
awk 'BEGIN {print "a" > "out"; print "b" > "out"; print "c" >> "out2"}'; cat out out2
#### to standard error
awk 'BEGIN {print "err" > "/dev/stderr"; print "out"}' 2>/dev/null
#### several files
printf 'a\nb\n' > x; printf 'c\n' > y; awk '{print FILENAME, FNR, NR}' x y; awk 'NR==FNR {a[$1]; next} ($1 in a)' x y; awk 'NR==FNR {a[$1]=1; next} $1 in a {print "both", $1}' x x
#### regular expression match
echo 'abc 123' | awk '$2 ~ /^[0-9]+$/ {print "num"} $1 !~ /x/ {print "nox"}'; echo abc | awk '{if (match($0, "b")) print RSTART}'
#### conditions
awk 'BEGIN {print (1<2), ("a"<"b"), ("10"<"9"), (10<9), !0, 1&&0, 1||0, 1==1.0}'; echo '10 9' | awk '{print ($1<$2)}'
#### concatenation
awk 'BEGIN {a = "x" 1+2 "y"; print a; print 1 " " 2; print -1 " " -1}'
#### increments and assignment operators
awk 'BEGIN {i=5; print i++, i, ++i, i--; i+=2; i*=3; i/=2; i%=5; i^=2; print i}'
#### ternary and uninitialized
awk 'BEGIN {print (x == 0) ? "zero" : "no", x == "", length(x)}'
#### -f
printf '# remark\n{ print $2 }\n' > p.awk; echo 'a b' | awk -f p.awk
#### operand that assigns
echo a > f; awk '{print v, $1}' v=3 f
#### substr edges
awk 'BEGIN {print substr("hello", 0), substr("hello", -1, 3), substr("hello", 2), substr("hello", 4, 10)}'
#### maximum
printf '3\n10\n2\n' | awk 'NR==1 || $1>m {m=$1} END {print m}'
#### sum of a column with commas
printf 'a,1\nb,2\n' | awk -F, '{s+=$2} END {printf "%.2f\n", s/NR}'
#### semicolons and newlines
awk 'BEGIN {
  x = 1
  if (x)
    print "yes"
  else
    print "no"
  for (i = 0; i < 2; i++)
    print i
}'
#### tolower of a field and string repetition
awk 'BEGIN {s = sprintf("%3s|%-3s|", "a", "b"); print s; while (length(t) < 5) t = t "x"; print t}'
#### multiple -F characters
echo 'a::b' | awk -F: '{print NF, $3}'; echo 'aXXb' | awk -FXX '{print $2}'
#### print > expression with parentheses
echo 'x 5' | awk '{print ($2 > 3)}'
#### no file
awk '{print}' nope 2>/dev/null; echo $?
#### dollar expressions
echo '1 2 3' | awk '{i=1; print $i, $(i+1), $NF-1, $(NF-1)}'
#### reading long input
seq 2000 | awk '{s+=$1} END {print s}'
#### regexp specials
echo 'a+b (c) [d]' | awk '{gsub(/[+()]/, "_"); gsub(/\[|\]/, "#"); print}'
#### split with regex and default
awk 'BEGIN {n=split("a1b2c", x, /[0-9]/); print n, x[2]; n=split("  p q ", y); print n, y[1]; n=split("", z); print n; n = split("abc", w, ""); print n, w[2]}'
#### large loop
awk 'BEGIN {for (i=0;i<100000;i++) s+=i; print s}'
#### printf reuse and star
awk 'BEGIN {printf "%*d|%s %s\n", 5, 42, "a", "b"; printf "%i %o %X %g\n", 3.7, 8, 255, 0.0001}'
#### print redirect per key
printf 'a 1\nb 2\n' | awk '{print $2 > $1".txt"}'; cat a.txt b.txt
