// package: tailwindcss
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { compile } from "tailwindcss";
const require = createRequire(import.meta.url);
const loadStylesheet = async (id, base) => ({
  path: id,
  base,
  content: readFileSync(require.resolve(id === "tailwindcss" ? "tailwindcss/index.css" : id), "utf8"),
});
const { build } = await compile(
  '@import "tailwindcss/theme" layer(theme); @tailwind utilities; @theme { --color-brand: #123456; } @utility own { color: red; } .btn { @apply px-4 font-bold hover:underline; }',
  { base: "/", loadStylesheet },
);
console.log(
  build([
    "flex",
    "md:grid-cols-3",
    "bg-brand/50",
    "w-[37px]",
    "dark:hover:text-red-500",
    "own",
    "nonsense-x",
    "-mt-2",
    "group-hover:opacity-50",
  ]),
);
