// package: ink
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
import { PassThrough } from "node:stream";
import { Box, Text, render } from "ink";
import { createElement as h, useEffect, useState } from "react";
const stdout = Object.assign(new PassThrough(), { columns: 40, rows: 10 });
const frames = [];
stdout.on("data", (part) => frames.push(part.toString()));
const App = () => {
  const [n, setN] = useState(0);
  useEffect(() => {
    if (n < 2) setTimeout(() => setN(n + 1), 20);
  }, [n]);
  return h(
    Box,
    { borderStyle: "round", width: 20, justifyContent: "space-between" },
    h(Text, null, "count"),
    h(Text, { bold: true }, n),
  );
};
const app = render(h(App), { stdout, debug: true, patchConsole: false, exitOnCtrlC: false });
await new Promise((resolve) => setTimeout(resolve, 200));
app.unmount();
await app.waitUntilExit();
console.log(frames.at(-1));
