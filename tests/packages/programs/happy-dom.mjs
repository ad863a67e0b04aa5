// package: happy-dom
import { Window } from "happy-dom";
const window = new Window({ url: "https://example.com/a?b=c" });
const { document } = window;
document.body.innerHTML = '<form><input name="q" value="1"></form><ul><li>a</li><li class="x">b</li></ul>';
document.querySelector("li.x").addEventListener("click", () => {
  document.querySelector("ul").insertAdjacentHTML("beforeend", "<li>c</li>");
});
document.querySelector("li.x").click();
console.log(document.querySelectorAll("li").length, document.body.innerHTML, window.location.search, [
  ...new window.FormData(document.querySelector("form")),
]);
window.localStorage.setItem("k", "v");
console.log(window.localStorage.getItem("k"), window.getComputedStyle(document.querySelector("ul")).display);
window.setTimeout(() => console.log("timer"), 1);
await window.happyDOM.waitUntilComplete();
await window.happyDOM.close();
