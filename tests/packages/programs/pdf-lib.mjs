// package: pdf-lib
import { PDFDocument, StandardFonts, degrees, rgb } from "pdf-lib";
const pdf = await PDFDocument.create({ updateMetadata: false });
const font = await pdf.embedFont(StandardFonts.Helvetica);
const page = pdf.addPage([200, 100]);
page.drawText("Hello PDF", { x: 20, y: 50, size: 18, font, color: rgb(0, 0.5, 1), rotate: degrees(5) });
page.drawRectangle({ x: 5, y: 5, width: 50, height: 20, borderColor: rgb(1, 0, 0) });
pdf.getForm().createTextField("name").addToPage(page, { x: 60, y: 5, width: 50, height: 20 });
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
page.drawImage(await pdf.embedPng(png), { x: 100, y: 50, width: 10, height: 10 });
const bytes = await pdf.save();
const loaded = await PDFDocument.load(bytes);
console.log(
  bytes.length,
  Buffer.from(bytes.subarray(0, 8)).toString("latin1"),
  loaded.getPageCount(),
  loaded.getPage(0).getSize(),
  loaded
    .getForm()
    .getFields()
    .map((field) => field.getName()),
  font.widthOfTextAtSize("Hello", 12),
);
