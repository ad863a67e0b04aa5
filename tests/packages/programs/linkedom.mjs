// package: linkedom
import { parseHTML, DOMParser } from "linkedom";
const { document, customElements, HTMLElement, Event } = parseHTML(
  "<!doctype html><main><p class=a>One</p><p>Two</p></main>",
);
customElements.define(
  "x-y",
  class extends HTMLElement {
    connectedCallback() {
      this.textContent = "connected";
    }
  },
);
document.querySelector("main").append(document.createElement("x-y"));
document.querySelector(".a").addEventListener("ping", (event) => console.log(event.type, event.bubbles));
document.querySelector(".a").dispatchEvent(new Event("ping", { bubbles: true }));
console.log(
  document.toString(),
  document.querySelectorAll("main > p:not(.a)").length,
  new DOMParser().parseFromString("<r><s t='1'/></r>", "text/xml").querySelector("s").getAttribute("t"),
);
