# Shell cases: "#### name" begins a case, its lines up to the next marker are one script, run as `sh -c` in an empty
# directory; the .expected file beside has under the same marker "exit N" and then the exact standard output, to which a
# newline is added where it does not end in one. Captured from dash by ./capture (extensions.sh: from bash).
#### operators
echo $((1 + 2 * 3)) $(((1 + 2) * 3)) $((7 / 2)) $((-7 / 2)) $((-7 % 3)) $((1 << 4)) $((255 >> 2))
#### comparisons and logic
echo $((1 < 2)) $((2 <= 1)) $((1 == 1)) $((1 != 1)) $((1 && 0)) $((0 || 2)) $((!3)) $((~0))
#### bits
echo $((6 & 3)) $((6 | 3)) $((6 ^ 3))
#### conditional
x=5; echo $((x > 3 ? 10 : 20)) $((x > 9 ? 10 : 20))
#### assignment
x=1; echo $((x += 4)) $((x *= 2)) $((x -= 1)) $((x /= 3)) $((x %= 2)) $x; echo $((y = 7)) $y
#### bases
echo $((0x1F)) $((010)) $((0xff + 1))
#### variables with and without dollar
a=3; b=4; echo $((a * b)) $(($a * $b)) $((a*$b))
#### unset variables are zero
unset u; echo $((u + 1))
#### nested expansions
x=2; echo $(( $(echo 3) + ${x} + $((1 + 1)) ))
#### blanks and newlines
echo $((
  1 +
  2
))
#### division by zero ends the shell
echo $((1 / 0)) 2>/dev/null; echo never
#### syntax errors end the shell
echo a; echo $((1 +)) 2>/dev/null; echo never
#### large numbers
echo $((9223372036854775807)) $((4294967296 * 2))
#### counting loop
i=0; while [ $i -lt 5 ]; do i=$((i + 1)); done; echo $i
