// package: isomorphic-git
const fs = require("node:fs");
const git = require("isomorphic-git");
(async () => {
  const dir = "/tmp/isomorphic-git";
  fs.rmSync(dir, { recursive: true, force: true });
  fs.mkdirSync(dir, { recursive: true });
  await git.init({ fs, dir, defaultBranch: "main" });
  fs.writeFileSync(`${dir}/a.txt`, "one\n");
  await git.add({ fs, dir, filepath: "a.txt" });
  const author = { name: "Ada", email: "ada@example.com", timestamp: 1700000000, timezoneOffset: 0 };
  console.log(await git.commit({ fs, dir, message: "first", author }));
  await git.branch({ fs, dir, ref: "other", checkout: true });
  fs.writeFileSync(`${dir}/a.txt`, "two\n");
  fs.writeFileSync(`${dir}/b.txt`, "b");
  await git.add({ fs, dir, filepath: ["a.txt", "b.txt"] });
  await git.commit({ fs, dir, message: "second", author });
  await git.checkout({ fs, dir, ref: "main" });
  console.log(
    fs.readFileSync(`${dir}/a.txt`, "utf8"),
    fs.existsSync(`${dir}/b.txt`),
    (await git.merge({ fs, dir, ours: "main", theirs: "other", author })).fastForward,
  );
  console.log(
    (await git.log({ fs, dir, ref: "other" })).map(({ oid, commit }) => [oid, commit.message]),
    await git.listBranches({ fs, dir }),
    (await git.statusMatrix({ fs, dir })).length,
  );
})();
