// package: exceljs
const { Workbook } = require("exceljs");
(async () => {
  const book = new Workbook();
  book.created = new Date(0);
  book.modified = new Date(0);
  const sheet = book.addWorksheet("People", { views: [{ state: "frozen", ySplit: 1 }] });
  sheet.columns = [
    { header: "Name", key: "name", width: 20 },
    { header: "Age", key: "age" },
    { header: "Born", key: "born", style: { numFmt: "yyyy-mm-dd" } },
  ];
  sheet.addRow({ name: "Ada", age: 36, born: new Date(0) });
  sheet.addRow(["Alan", { formula: "B2+5", result: 41 }]).font = { bold: true };
  sheet.mergeCells("A4:B4");
  const buffer = await book.xlsx.writeBuffer();
  const read = await new Workbook().xlsx.load(buffer);
  read.getWorksheet("People").eachRow((row, number) => console.log(number, JSON.stringify(row.values)));
  console.log(read.getWorksheet("People").getRow(3).font, (await read.csv.writeBuffer()).toString());
  await book.xlsx.writeFile("/tmp/exceljs.xlsx");
  console.log((await new Workbook().xlsx.readFile("/tmp/exceljs.xlsx")).worksheets.map((each) => each.name));
})();
