// package: cookie-parser
const cookieParser = require("cookie-parser");
const signature = require("cookie-signature");
const signed = `s:${signature.sign("value", "secret")}`;
const request = {
  headers: {
    cookie: `plain=1; json=${encodeURIComponent('j:{"a":2}')}; good=${encodeURIComponent(signed)}; bad=${encodeURIComponent("s:value.xx")}`,
  },
};
cookieParser("secret")(request, {}, (error) => console.log(error, request.cookies, request.signedCookies));
console.log(
  signed,
  cookieParser.signedCookie(signed, "secret"),
  cookieParser.signedCookie(signed, "other"),
  cookieParser.JSONCookie("j:[1]"),
);
