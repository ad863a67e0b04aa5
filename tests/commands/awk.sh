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
#### printf
awk 'BEGIN {printf "%5d|%-5s|%05.2f|%x|%c|%%|%e\n", 42, "ab", 3.14159, 255, "A", 12345.678}'; echo 3 | awk '{printf("%s\n", $1)}'
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
#### control flow
awk 'BEGIN {for (i=0; i<5; i++) {if (i==1) continue; if (i==3) break; print i}; while (i<6) i++; print i; do i--; while (i>4); print i}'
#### functions
awk 'function f(n) {return n<2 ? n : f(n-1)+f(n-2)} BEGIN {print f(15)}'; awk 'function g(a, i) {a[1]="set"; i=9} BEGIN {i=1; g(x, i); print x[1], i}'
#### next and exit
seq 5 | awk '$1==2 {next} $1==4 {exit 3} {print}'; echo $?
#### exit runs END
seq 3 | awk '{exit 2} END {print "end"}'; echo $?
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
#### RS
printf 'a b\nc\n\nd\n' | awk 'BEGIN{RS=""} {print NR": "$1, NF}'; printf 'a;b;c' | awk 'BEGIN{RS=";"} {print}'; printf 'a,b\n' | awk -v RS=, '{print NR, $0}'
#### ORS
seq 3 | awk 'BEGIN{ORS=" "} {print} END {printf "\n"}'
#### system
awk 'BEGIN {r = system("exit 3"); print r; system("echo hi")}'
#### pipe out
printf 'b\na\n' | awk '{print | "sort"} END {close("sort"); print "done"}'
#### pipe in
awk 'BEGIN {"echo hi" | getline x; print x; while (("printf \"1\\n2\\n\"" | getline y) > 0) print "got", y}'
#### -f
printf '# remark\n{ print $2 }\n' > p.awk; echo 'a b' | awk -f p.awk
#### operand that assigns
echo a > f; awk '{print v, $1}' v=3 f
#### ENVIRON and ARGV
X=y awk 'BEGIN {print ENVIRON["X"]; print ARGC, ARGV[1]}' one
#### substr edges
awk 'BEGIN {print substr("hello", 0), substr("hello", -1, 3), substr("hello", 2), substr("hello", 4, 10)}'
#### numbers as strings
awk 'BEGIN {print 1.0, 1.5, 1e3, 123456789012, 3.0*2, "3x"+1, 1e-5}'
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
#### gensub
awk 'BEGIN {print gensub(/(a)(b)/, "\\2\\1", "g", "abab")}'
#### multiple -F characters
echo 'a::b' | awk -F: '{print NF, $3}'; echo 'aXXb' | awk -FXX '{print $2}'
#### print > expression with parentheses
echo 'x 5' | awk '{print ($2 > 3)}'
#### no file
awk '{print}' nope 2>/dev/null; echo $?
#### syntax error
awk '{print' /dev/null 2>/dev/null; echo $?
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
#### length without parentheses
echo hello | awk '{print length}'; echo 'a b' | awk 'length > 2'
#### print redirect per key
printf 'a 1\nb 2\n' | awk '{print $2 > $1".txt"}'; cat a.txt b.txt
#### exit in a function
awk 'function f() {exit 4} BEGIN {f()} END {print "end"}'; echo $?
#### for in with delete
awk 'BEGIN {a[1];a[2];a[3]; for (k in a) delete a[k]; print length(a)}'
#### printf %c and %s with numbers
awk 'BEGIN {printf "%c%c %s %d\n", 65, "hello", 3.0, "12abc"; printf("%5.1f%%\n", 45.678); printf "%-10s|\n", "ab"}'
#### regexps in strings
awk 'BEGIN {s = "a.b"; if (s ~ "a\\.b") print "y"; r = "^[0-9]+$"; if ("12" ~ r) print "num"; n = split("a.b.c", p, "."); print n; print match("foobar", "o+b")}'
#### join lines with a separator
seq 5 | awk '{printf "%s%s", sep, $0; sep=","} END {print ""}'; seq 3 | awk 'ORS=NR%2?" ":"\n"'
#### between patterns
printf 'a\nSTART\nb\nEND\nc\n' | awk '/START/{f=1;next} /END/{f=0} f'; printf 'a\nSTART\nb\nEND\nc\n' | awk '/START/,/END/'
#### csv with quotes off and FS regex
echo 'k = v' | awk -F' *= *' '{print $1 "|" $2}'; echo 'a;b,c' | awk -F'[;,]' '{print $3}'
#### field modification keeps others
echo 'a:b:c' | awk -F: -v OFS=: '{$2="x"}1'; echo ' a  b ' | awk '{$1=$1}1'
#### multiline if else chain
printf '5\n15\n25\n' | awk '{ if ($1 < 10) { print "low" } else if ($1 < 20) print "mid"; else print "high" }'
#### no main input in BEGIN only
awk 'BEGIN { while (i++ < 3) printf "%d ", i; print "" }'
#### sorted output by command
printf 'b 2\na 1\n' | awk '{print $2, $1 | "sort -n"}'
#### getline updates
printf 'a\nb\nc\n' | awk '/a/ {getline; print "after:", $0}'
#### toupper of first letter
echo 'hello world' | awk '{for (i=1;i<=NF;i++) $i = toupper(substr($i,1,1)) substr($i,2)} 1'
#### in parentheses
awk 'BEGIN {a["x",1]=1; if (("x",1) in a) print "yes"; if (!("y" in a)) print "no"}'
#### comparison of fields with strings
printf 'abc 10\nabd 9\n' | awk '$2 < 10 {print $1} $1 > "abc" {print "gt"}'
#### print to several with close
awk 'BEGIN {f="o.txt"; print "1" > f; close(f); while ((getline l < f) > 0) print "read " l}'
#### ENVIRON HOME and exit code
awk 'BEGIN {exit !("HOME" in ENVIRON)}'; echo $?
#### ternary chains and string building
awk 'BEGIN {for (i=1;i<=15;i++) print i%15==0?"FizzBuzz":i%3==0?"Fizz":i%5==0?"Buzz":i}' | head -5
#### negative numbers and modulo
awk 'BEGIN {print -7%3, 7%-3, -2^2, 2^-1, 2**3, 1e300*1e10, int(-3.7)}'
#### substr unicode and length
export LC_ALL=C.UTF-8; echo 'äöü' | awk '{print length($0), substr($0,2,1), toupper($0)}'
#### comments and line continuation
awk 'BEGIN { # remark
  x = 1 + \
      2; print x }'
#### while read style columns
printf 'USER PID\nroot 1\nme 22\n' | awk 'NR>1 && $2>10 {print $1}'
#### printf without newline and semicolons
awk 'BEGIN{printf "a";printf "b\n";;print "c"}'
#### regexp dynamic with gsub special
echo 'a/b/c' | awk '{gsub("/", "\\"); print}'; echo 'x.y' | awk '{gsub(/\./,"\\."); print}'; echo 'price $5' | awk '{sub(/\$[0-9]+/, "[&]"); print}'
#### nested functions and arrays
awk 'function add(arr, v) {arr[++n]=v} function two(arr) {add(arr,"x"); add(arr,"y")} BEGIN {two(z); print n, z[1], z[2]}'
#### -e
echo 'do re mi' | awk -e '{print $2; print ARGC}'; echo a > f; printf 'function g(x) { return x x }\n' > lib; awk -f lib -e '{ print g($0) }' f; awk --source='BEGIN { print 1 }'
#### what an element is changed by is looked at once
awk 'BEGIN { a[i++]++; a[i++] += 2; print i, a[0], a[1]; $(n++ + 1) += 4; print n, $0; x = "3x"; x += 2; print x, -"4z" }'
#### fields are those of the record as it was split
printf 'a b c\nd  e\tf\n\n x \n' | awk '{ $2 = "Z"; print NF, $0; NF = 2; print; $5 = "q"; print NF; print $1 "|" $3 "|" $5 }'; printf 'a:b c\nd e\n' | awk -F: '{ FS = " "; print $1, NF }'; printf 'foo boo\n' | awk '{ n = gsub(/o/, "0"); print n, $0, $1, NF }'
#### parts of texts with wide characters
awk 'BEGIN { s = "héllo wörld"; print substr(s, 2, 3) "|" substr(s, 8) "|" substr(s, 0, 3) "|" substr(s, 11, 9) "|" substr(s, 12) "|" substr(s, 3, -1) "|" substr("plain", 4, 9) "|" substr("plain", -1, 3) }'
#### numbers from outside
for v in ' 12 ' +5 -0 1e3 .5 5. 12abc '' - + . -.5e-3 1234567890123456 1e ' -3'; do echo "$v" | awk '{ print $1 + 0, ($1 == 12), ($1 < "2"), -$1, length($0) }'; done
#### octal numbers, and more than two for the bits
awk 'BEGIN{print 011, 08, 0778, 010.5, -017, "017"+0, or(01234,1)}'; awk 'BEGIN{print or(256,16,8), and(7,6,12), xor(1,2,4)}'
#### a field that is not there is no number
printf 'a\nb\n' | awk '$2 != 0'; echo 'a b' | awk '{print ($5==0), ($5==""), length($5), $5+1, NF}'
#### empty expressions separate letters
awk 'BEGIN{n=split("abc",a,//);print n,a[1],a[3]; n=split("",a,//);print n; n=split("xyz",a,"");print n}'
#### paragraphs with separators that are expressions
printf 'abc defxy ghi\njkl mno\n\n\npqr stu\nvwxy abc\n' > f; awk 'BEGIN{RS="";FS="[ ]"}{print NF; for(i=1;i<=NF;i++)print i,$i}' f; awk 'BEGIN{RS="";FS="xy"}{print NF,$2}' f; awk 'BEGIN{RS="";FS=","}{print NF}' f; awk 'BEGIN{RS=""}{print NF}' f
#### ends of records that are expressions keep the last newline
printf 'a;b\n' | awk 'BEGIN{RS=";|,"}{print "[" $0 "]"}'; printf 'aXXb\n\n' | awk 'BEGIN{RS="X+"}{print "[" $0 "]", RT}'; printf 'a b\nc\n' | awk 'BEGIN{RS="()"}{print NR,NF,$0}'
#### odds and ends
awk 'BEGIN{printf "%c%c|", "", 65}' | od -c; awk 'BEGIN{s="\\"; print gensub("a",s,"g","a|a")}'; awk 'BEGIN{print srand(5); print srand(6); print srand(7)}'
