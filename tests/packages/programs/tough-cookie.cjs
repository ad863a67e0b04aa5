// package: tough-cookie
const { Cookie, CookieJar, parseDate } = require("tough-cookie");
(async () => {
  const jar = new CookieJar();
  await jar.setCookie("a=1; Path=/p; Secure; HttpOnly", "https://www.example.com/p");
  await jar.setCookie("b=2; Domain=example.com; Max-Age=100", "https://www.example.com/");
  console.log(
    await jar.getCookieString("https://www.example.com/p/x"),
    await jar.getCookieString("http://other.example.com/"),
    Cookie.parse("x=y; SameSite=Lax").sameSite,
    parseDate("Wed, 09 Jun 2021 10:18:14 GMT").toISOString(),
    (await jar.serialize()).cookies.length,
  );
  await jar.setCookie("c=3; Domain=com", "https://example.com/").catch((error) => console.log(error.message));
})();
