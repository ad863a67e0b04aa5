// package: sql.js
const initSqlJs = require("sql.js/dist/sql-asm.js");
initSqlJs().then((SQL) => {
  const db = new SQL.Database();
  db.run("create table t (id integer primary key, name text); insert into t (name) values ('ada'), ('alan');");
  console.log(db.exec("select upper(name), id from t order by id desc")[0].values);
});
