//! Names in as many columns as fit into a width, with tabulators where they reach.

use std::fmt;

use ansi_width::ansi_width;

/// Blanks between two columns, and the least that a column takes.
const BETWEEN: usize = 2;
const LEAST: usize = 3;

pub struct Grid<'a> {
    cells: &'a [String],
    lengths: Vec<usize>,
    /// The columns' widths, with what is between them; none if there is one line.
    columns: Option<Vec<usize>>,
    is_across: bool,
    /// Columns from one stop of a tabulator to the next; 0 for blanks alone.
    tab_size: usize,
}

impl<'a> Grid<'a> {
    /// A width of 0 has room for all in one line.
    pub fn new(cells: &'a [String], is_across: bool, width: usize, tab_size: usize) -> Grid<'a> {
        let lengths: Vec<usize> = cells.iter().map(|cell| ansi_width(cell)).collect();
        let most = width.div_ceil(LEAST).clamp(1, cells.len().max(1));
        // Columns that are all as narrow as can be GNU does not add up.
        let fits = |widths: &Vec<usize>| {
            widths.iter().all(|width| *width == LEAST) || widths.iter().sum::<usize>() < width
        };
        let columns = (width > 0).then(|| {
            let mut tried = (2..=most).rev().map(|columns| widths(&lengths, columns, is_across));
            tried.find(fits).unwrap_or_else(|| vec![0])
        });
        Grid { cells, lengths, columns, is_across, tab_size }
    }

    /// Fills a line up from one column to another.
    fn fill(&self, f: &mut fmt::Formatter<'_>, mut from: usize, to: usize) -> fmt::Result {
        while from < to {
            if self.tab_size > 0 && to / self.tab_size > (from + 1) / self.tab_size {
                f.write_str("\t")?;
                from += self.tab_size - from % self.tab_size;
            } else {
                f.write_str(" ")?;
                from += 1;
            }
        }
        Ok(())
    }
}

/// The widths of so many columns.
fn widths(lengths: &[usize], columns: usize, is_across: bool) -> Vec<usize> {
    let rows = lengths.len().div_ceil(columns);
    let mut widths = vec![LEAST; columns];
    for (at, length) in lengths.iter().enumerate() {
        let column = if is_across { at % columns } else { at / rows };
        let between = if column + 1 == columns { 0 } else { BETWEEN };
        widths[column] = widths[column].max(length + between);
    }
    widths
}

impl fmt::Display for Grid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.cells.len();
        if count == 0 {
            return Ok(());
        }
        let Some(columns) = &self.columns else {
            return writeln!(f, "{}", self.cells.join("  "));
        };
        let rows = count.div_ceil(columns.len());
        for row in 0..rows {
            let mut start = 0;
            for (column, width) in columns.iter().enumerate() {
                let place =
                    |column| if self.is_across { row * columns.len() + column } else { column * rows + row };
                let at = place(column);
                let Some(cell) = self.cells.get(at) else { break };
                f.write_str(cell)?;
                if column + 1 < columns.len() && place(column + 1) < count {
                    self.fill(f, start + self.lengths[at], start + width)?;
                }
                start += width;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Grid;

    #[test]
    fn as_many_columns_as_fit_are_filled() {
        let cells: Vec<String> = ["a", "bb", "ccc", "dddd"].map(str::to_owned).into();
        let shown = |width, tab| Grid::new(&cells, false, width, tab).to_string();
        assert_eq!(shown(0, 8), "a  bb  ccc  dddd\n");
        assert_eq!(shown(5, 8), "a\nbb\nccc\ndddd\n");
        assert_eq!(shown(10, 0), "a   ccc\nbb  dddd\n");
        assert_eq!(shown(80, 0), "a  bb  ccc  dddd\n");
        assert_eq!(Grid::new(&cells, true, 10, 0).to_string(), "a    bb\nccc  dddd\n");
        let narrow: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
        assert_eq!(Grid::new(&narrow, false, 4, 8).to_string(), "a  c\nb  d\n");
        assert_eq!(Grid::new(&[], true, 10, 8).to_string(), "");
    }
}
