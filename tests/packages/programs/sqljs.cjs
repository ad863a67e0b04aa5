// package: sql.js
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
const initSqlJs = require("sql.js");
initSqlJs().then((SQL) => {
  const db = new SQL.Database();
  db.run(
    "create table t (id integer primary key, name text, blob_ blob); insert into t (name) values ('ada'), ('alan');",
  );
  console.log(JSON.stringify(db.exec("select * from t where name like ?", ["%a%"])));
  const statement = db.prepare("insert into t (name, blob_) values ($name, $blob)");
  statement.run({ $name: "grace", $blob: new Uint8Array([1, 2]) });
  statement.free();
  db.create_function("twice", (n) => n * 2);
  console.log(db.exec("select twice(id), length(blob_) from t order by id desc")[0].values, db.getRowsModified());
  const copy = new SQL.Database(db.export());
  console.log(copy.exec("select count(*) from t")[0].values);
  try {
    db.run("nonsense");
  } catch (error) {
    console.log(error.message);
  }
});
