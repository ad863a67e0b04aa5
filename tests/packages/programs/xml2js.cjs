// package: xml2js
const xml2js = require("xml2js");
const xml = '<?xml version="1.0"?><r a="1"><x>one</x><x b="2">two &amp; <![CDATA[<raw>]]></x><ns:y xmlns:ns="u"/></r>';
xml2js.parseString(xml, (error, result) => console.log(error, JSON.stringify(result)));
xml2js
  .parseStringPromise(xml, {
    explicitArray: false,
    mergeAttrs: true,
    tagNameProcessors: [xml2js.processors.stripPrefix],
    valueProcessors: [(v) => v.toUpperCase()],
  })
  .then((result) => console.log(JSON.stringify(result)));
console.log(
  new xml2js.Builder({ headless: true }).buildObject({ r: { $: { a: 1 }, x: ["p", { _: "q", $: { z: "<" } }] } }),
);
xml2js.parseString("<a><b></a>", (error) => error && console.log(error.message.split("\n")[0]));
