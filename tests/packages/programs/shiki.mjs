// package: shiki
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
import { codeToHtml, codeToTokens } from "shiki";
console.log(await codeToHtml("const a: number = 1; // <c>", { lang: "ts", theme: "nord", tokenizeTimeLimit: 0 }));
console.log(
  (
    await codeToTokens("def f(x): return x", { lang: "python", theme: "github-dark", tokenizeTimeLimit: 0 })
  ).tokens[0].map(({ content, color }) => [content, color]),
);
