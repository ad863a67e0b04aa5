# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### plain
cat <<EOF
line one
  line two
EOF
#### expansions
x=val; cat <<EOF
$x ${x}s $((1 + 2)) $(echo sub) `echo back` \$x \\ \` "q" 'q'
EOF
#### quoted delimiter
x=val; cat <<'EOF'
$x $(echo no) \$x \\
EOF
#### partly quoted delimiter
cat <<E"O"F
$HOME
EOF
#### tabs are stripped
if true; then
	cat <<-EOF
		one
	  two
	EOF
fi
#### two in one line
cat <<A; cat <<B
a
A
b
B
#### continuation lines join
cat <<EOF
one \
two
EOF
#### quoted delimiter keeps backslash newline
cat <<'EOF'
one \
two
EOF
#### in a pipeline
cat <<EOF | sort
b
a
EOF
#### as a loop's input
while read a b; do echo "$b $a"; done <<EOF
1 2
3 4
EOF
#### in a function
f() { cat <<EOF
arg $1
EOF
}
f x; f y
#### in a command substitution
x=$(cat <<EOF
inner )
EOF
); echo "[$x]"
#### on another descriptor
cat 3<<EOF <&3
via three
EOF
#### empty
cat <<EOF
EOF
echo $?
#### delimiter like text inside
cat <<END
END of
 END
ENDING
END
#### nested in an expanded substitution
cat <<EOF
$(cat <<IN
deep
IN
)
EOF
#### backslashes in the delimiter
cat <<\END
$x
END
cat <<"\\END"
$y
\END
#### lines of a here-document that are joined
cat <<EOF
abc\
EOF
EOF
cat <<'EOF'
abc\
EOF
cat <<EOF
abc\\
EOF
#### joined lines in the operator
cat <\
<\
E\
N\
D\

x
END
cat <\
<\
-\
 END
	y
	END
#### tabs behind joined lines
cat <<-EOF
	a\
	b
	c\
	EOF
	EOF
cat <<-"EOF"
	a\
	b
	EOF
