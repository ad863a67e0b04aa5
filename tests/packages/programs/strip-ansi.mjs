// package: strip-ansi
import stripAnsi from "strip-ansi";
console.log(
  stripAnsi(
    "\u001b[4mUnicorn\u001b[0m \u001b]8;;https://example.com\u0007link\u001b]8;;\u0007 \u001b[38;2;1;2;3mx\u001b[39m",
  ),
);
