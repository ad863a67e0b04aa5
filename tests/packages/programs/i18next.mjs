// package: i18next
import i18next from "i18next";
const i18n = i18next.createInstance();
const t = await i18n.init({
  lng: "de",
  fallbackLng: "en",
  showSupportNotice: false,
  resources: {
    en: { translation: { only: "english", item_one: "{{count}} item", item_other: "{{count}} items" } },
    de: {
      translation: {
        hi: "Hallo {{name}}",
        item_one: "{{count}} Ding",
        item_other: "{{count}} Dinge",
        nested: { a: '$t(hi, {"name": "du"})' },
        price: "{{p, number}}",
        friend_male: "Freund",
      },
    },
    ru: { translation: { item_one: "one", item_few: "few", item_many: "many" } },
  },
});
console.log(
  t("hi", { name: "<Ada>" }),
  t("item", { count: 1 }),
  t("item", { count: 5 }),
  t("nested.a"),
  t("only"),
  t("none.key"),
  t("price", { p: 1234.5 }),
  t("friend", { context: "male" }),
);
await i18n.changeLanguage("ru");
console.log(
  [1, 3, 5].map((count) => i18n.t("item", { count })),
  i18n.dir("ar"),
  i18n.exists("x"),
);
