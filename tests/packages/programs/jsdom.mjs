// package: jsdom
import { JSDOM, VirtualConsole } from "jsdom";
const virtualConsole = new VirtualConsole().on("log", (...args) => console.log("page:", ...args));
const dom = new JSDOM(
  `<!doctype html><p class="a">Hello</p><button>x</button><script>
  document.querySelector("button").addEventListener("click", (event) => { console.log(event.type, event.isTrusted); document.body.dataset.clicked = "yes"; });
  window.answer = [..."abc"].map((c) => c.charCodeAt(0)); setTimeout(() => console.log("timer"), 1);
</script>`,
  { runScripts: "dangerously", url: "https://example.com/a?b#c", virtualConsole },
);
const { window } = dom;
window.document.querySelector("button").click();
console.log(
  window.document.body.outerHTML.split("<script>")[0],
  Array.from(window.answer),
  window.location.search,
  window.eval("1 + 1"),
);
window.localStorage.setItem("k", "v");
console.log(
  window.localStorage.getItem("k"),
  window.getComputedStyle(window.document.querySelector("p")).display,
  dom.nodeLocation ? "located" : "",
);
const form = new window.FormData();
form.append("a", "1");
console.log(
  [...form.entries()],
  new window.DOMParser().parseFromString("<r><x y='1'/></r>", "text/xml").querySelector("x").getAttribute("y"),
);
setTimeout(() => {
  console.log(window.document.documentElement.children.length);
  window.close();
}, 50);
