// package: fast-xml-parser
import { XMLBuilder, XMLParser, XMLValidator } from "fast-xml-parser";
const xml = '<?xml version="1.0"?><r a="1"><x>1</x><x b="t">two &lt; &#65;</x><![CDATA[<raw>]]><e/></r>';
const options = { ignoreAttributes: false, attributeNamePrefix: "@", cdataPropName: "#cdata" };
const parsed = new XMLParser({ ...options, parseAttributeValue: true }).parse(xml);
console.log(JSON.stringify(parsed), JSON.stringify(new XMLParser({ preserveOrder: true }).parse(xml)));
console.log(
  new XMLBuilder({ ...options, format: true }).build(parsed),
  XMLValidator.validate("<a><b></a>"),
  XMLValidator.validate(xml),
);
