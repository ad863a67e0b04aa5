## compare_shells: bash dash

#### output in a block, with an empty line in it
# A comment is no part of the code.
argv.py one "it's"

printf '%s\n' "$0" | grep -c .
## STDOUT:
['one', "it's"]
1
## END

#### one line, and a status
echo short
(exit 3)
## status: 3
## stdout: short

#### JSON, without a last newline
printf 'a\tb'
## stdout-json: "a\tb"

#### only bash has arrays
a=(x y); echo "${a[1]}"
## stdout: y
## N-I dash status: 2
## N-I dash stdout-json: ""

#### dash may differ
echo 'a\tb'
## stdout: a\tb
## OK dash stdout-json: "a\tb\n"
