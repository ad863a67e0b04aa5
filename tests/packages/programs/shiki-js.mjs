// package: shiki
// webAssembly: deny allow
import { createHighlighterCore } from "shiki/core";
import { createJavaScriptRegexEngine } from "shiki/engine/javascript";
import javascript from "shiki/langs/javascript.mjs";
import nord from "shiki/themes/nord.mjs";
const highlighter = await createHighlighterCore({
  themes: [nord],
  langs: [javascript],
  engine: createJavaScriptRegexEngine(),
});
console.log(
  highlighter.codeToHtml("let x = `a${1}`;", { lang: "javascript", theme: "nord", tokenizeTimeLimit: 0 }),
  highlighter.getLoadedLanguages(),
);
