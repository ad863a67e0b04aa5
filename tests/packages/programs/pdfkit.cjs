// package: pdfkit
const PDFDocument = require("pdfkit");
const document = new PDFDocument({ size: "A5", compress: false, info: { CreationDate: new Date(0), Title: "T" } });
const parts = [];
document
  .on("data", (part) => parts.push(part))
  .on("end", () => {
    const text = Buffer.concat(parts).toString("latin1");
    console.log(
      text.slice(0, 8),
      text.includes("/Count 2"),
      /\/BaseFont \/Helvetica/.test(text),
      text.replace(/\/ID \[.*?\]/s, "").length,
    );
  });
document
  .fontSize(20)
  .text("Hello", 50, 50)
  .moveDown()
  .font("Times-Roman")
  .text("wrapped ".repeat(50), { width: 200, align: "justify" });
document.rect(10, 10, 50, 20).fillAndStroke("red", "#00f").addPage().circle(50, 50, 20).stroke().list(["a", "b"]);
document.end();
