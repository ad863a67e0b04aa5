// package: svelte
import { compile, parse, preprocess, VERSION } from "svelte/compiler";
const source =
  "<script>let { name = 'x' } = $props(); let n = $state(0); let twice = $derived(n * 2); $effect(() => console.log(n));</script>\n<button onclick={() => n++}>{name} {twice}</button>\n{#each [1, 2] as x (x)}<p class:on={x}>{x}</p>{:else}none{/each}\n<style>p { color: red; } .unused { top: 0; }</style>";
for (const generate of ["client", "server"]) {
  const { js, css, warnings } = compile(source, { generate, filename: "App.svelte", cssHash: () => "svelte-x" });
  console.log(
    js.code,
    css?.code,
    warnings.map((each) => each.code),
  );
}
console.log(
  parse(source, { modern: true }).fragment.nodes.map((node) => node.type),
  (await preprocess("<script>A</script>", { script: ({ content }) => ({ code: content.toLowerCase() }) })).code,
  VERSION,
);
try {
  compile("{#if}", {});
} catch (error) {
  console.log(error.code, error.position);
}
