//! SQLite's C interface as far as the program needs it: data bases, statements, what went wrong.

use std::ffi::{CStr, CString, c_char, c_int};
use std::marker::PhantomData;
use std::ptr;

use libsqlite3_sys as ffi;

/// A data base that is open.
pub struct Database(*mut ffi::sqlite3);

/// Why something did not work.
#[derive(Debug)]
pub struct Failure {
    pub code: c_int,
    pub message: String,
    /// Where in the text of a statement, if SQLite knows.
    pub offset: Option<usize>,
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Null,
    Integer,
    Real,
    Text,
    Blob,
}

/// A statement that was compiled.
pub struct Statement<'d> {
    raw: *mut ffi::sqlite3_stmt,
    database: &'d Database,
    owner: PhantomData<&'d Database>,
}

fn c_string(text: &str) -> CString {
    // What is behind a zero is not there for SQLite either.
    CString::new(text.split('\0').next().unwrap_or_default()).unwrap_or_default()
}

/// # Safety
/// The text is null or ends with a zero.
unsafe fn owned(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as above.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Which version of SQLite this is, and of which sources.
pub fn version() -> String {
    // SAFETY: both are texts that are always there.
    unsafe { format!("{} {}", owned(ffi::sqlite3_libversion()), owned(ffi::sqlite3_sourceid())) }
}

/// Whether a text ends where a statement does.
pub fn is_complete(sql: &[u8]) -> bool {
    let Ok(text) = CString::new(sql.split(|byte| *byte == 0).next().unwrap_or_default()) else { return true };
    // SAFETY: it ends with a zero.
    unsafe { ffi::sqlite3_complete(text.as_ptr()) != 0 }
}

/// Whether a name is a word of the language.
pub fn is_keyword(name: &str) -> bool {
    let Ok(length) = c_int::try_from(name.len()) else { return false };
    // SAFETY: the name has so many bytes.
    unsafe { ffi::sqlite3_keyword_check(name.as_ptr().cast(), length) != 0 }
}

/// A number as it is written so that the same number is read.
pub fn real_text(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "1e999" } else { "-1e999" }.into();
    }
    // SAFETY: the formats take one number; what is made is given back.
    let written = |format: &CStr| unsafe {
        let text = ffi::sqlite3_mprintf(format.as_ptr(), number);
        let copy = owned(text);
        ffi::sqlite3_free(text.cast());
        copy
    };
    let short = written(c"%!.15g");
    if short.parse() == Ok(number) { short } else { written(c"%!.17g") }
}

impl Database {
    pub fn open(path: &str, flags: c_int) -> Result<Self, Failure> {
        let mut raw = ptr::null_mut();
        // SAFETY: the path ends with a zero, and there is room for the answer.
        let code = unsafe { ffi::sqlite3_open_v2(c_string(path).as_ptr(), &raw mut raw, flags, ptr::null()) };
        let database = Self(raw);
        if code == ffi::SQLITE_OK { Ok(database) } else { Err(database.failure(code)) }
    }

    /// What SQLite says of what it did last.
    fn failure(&self, code: c_int) -> Failure {
        // SAFETY: both take a data base that could not be opened, too.
        let (message, offset) =
            unsafe { (owned(ffi::sqlite3_errmsg(self.0)), ffi::sqlite3_error_offset(self.0)) };
        Failure { code: code & 0xff, message, offset: usize::try_from(offset).ok() }
    }

    /// Compiles the first statement of a text; tells how long it is. A text of blanks and comments has none.
    pub fn prepare(&self, sql: &[u8]) -> Result<(Option<Statement<'_>>, usize), Failure> {
        let length = c_int::try_from(sql.len()).unwrap_or(c_int::MAX);
        let (mut raw, mut tail) = (ptr::null_mut(), ptr::null());
        // SAFETY: the text has so many bytes, and there is room for the answers.
        let code = unsafe {
            ffi::sqlite3_prepare_v2(self.0, sql.as_ptr().cast(), length, &raw mut raw, &raw mut tail)
        };
        if code != ffi::SQLITE_OK {
            return Err(self.failure(code));
        }
        let consumed = (tail as usize).saturating_sub(sql.as_ptr() as usize).min(sql.len());
        let statement = (!raw.is_null()).then_some(Statement { raw, database: self, owner: PhantomData });
        Ok((statement, consumed))
    }

    /// A statement that is there, whatever the text.
    fn one(&self, sql: &str) -> Result<Statement<'_>, Failure> {
        let (statement, _) = self.prepare(sql.as_bytes())?;
        statement.ok_or_else(|| Failure {
            code: ffi::SQLITE_MISUSE,
            message: "not a statement".into(),
            offset: None,
        })
    }

    /// Runs a statement, with texts for its parameters.
    pub fn run(&self, sql: &str, parameters: &[&str]) -> Result<(), Failure> {
        self.rows(sql, parameters, |_| ()).map(drop)
    }

    /// What is made of each row of a statement.
    pub fn rows<T>(
        &self,
        sql: &str,
        parameters: &[&str],
        mut make: impl FnMut(&Statement) -> T,
    ) -> Result<Vec<T>, Failure> {
        let mut statement = self.one(sql)?;
        for (at, value) in parameters.iter().enumerate() {
            statement.bind(at + 1, Some(value.as_bytes()));
        }
        let mut made = vec![];
        while statement.step()? {
            made.push(make(&statement));
        }
        Ok(made)
    }

    /// The texts of the first column.
    pub fn texts(&self, sql: &str, parameters: &[&str]) -> Result<Vec<String>, Failure> {
        self.rows(sql, parameters, |row| row.lossy(0))
    }

    pub fn statement(&self, sql: &str) -> Result<Statement<'_>, Failure> {
        self.one(sql)
    }

    pub fn changes(&self) -> (i64, i64) {
        // SAFETY: the data base is open.
        unsafe { (ffi::sqlite3_changes64(self.0), ffi::sqlite3_total_changes64(self.0)) }
    }

    pub fn set_timeout(&self, milliseconds: c_int) {
        // SAFETY: the data base is open.
        unsafe { ffi::sqlite3_busy_timeout(self.0, milliseconds) };
    }

    pub fn is_read_only(&self, name: &str) -> bool {
        // SAFETY: the data base is open, and the name ends with a zero.
        unsafe { ffi::sqlite3_db_readonly(self.0, c_string(name).as_ptr()) == 1 }
    }

    /// Copies all of one data base into another.
    pub fn copy(from: (&Self, &str), to: (&Self, &str)) -> Result<(), Failure> {
        // SAFETY: both are open, and the names end with a zero.
        let code = unsafe {
            let backup = ffi::sqlite3_backup_init(
                to.0.0,
                c_string(to.1).as_ptr(),
                from.0.0,
                c_string(from.1).as_ptr(),
            );
            if backup.is_null() {
                return Err(to.0.failure(ffi::SQLITE_ERROR));
            }
            let outcome = ffi::sqlite3_backup_step(backup, -1);
            let end = ffi::sqlite3_backup_finish(backup);
            if outcome == ffi::SQLITE_DONE { end } else { outcome }
        };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(to.0.failure(code)) }
    }

    /// Adds the functions that the program has beyond those of the library.
    pub fn add_functions(&self) {
        // SAFETY: the names end with a zero, and the functions live as long as the process.
        unsafe {
            let plain = ffi::SQLITE_UTF8 | ffi::SQLITE_DIRECTONLY;
            for (name, count, function) in
                [(c"readfile", 1, read_file as unsafe extern "C" fn(_, _, _)), (c"writefile", 2, write_file)]
            {
                ffi::sqlite3_create_function_v2(
                    self.0,
                    name.as_ptr(),
                    count,
                    plain,
                    ptr::null_mut(),
                    Some(function),
                    None,
                    None,
                    None,
                );
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: it was opened once, or is null; its statements are gone.
        unsafe { ffi::sqlite3_close(self.0) };
    }
}

/// The bytes of a value that SQLite gives to a function.
///
/// # Safety
/// The value is one that SQLite gave, and nothing else is asked of it meanwhile.
unsafe fn argument<'a>(value: *mut ffi::sqlite3_value) -> &'a [u8] {
    // SAFETY: as above; the number of bytes is asked for after the bytes.
    unsafe {
        let bytes = ffi::sqlite3_value_blob(value).cast::<u8>();
        let length = usize::try_from(ffi::sqlite3_value_bytes(value)).unwrap_or(0);
        if bytes.is_null() { &[] } else { std::slice::from_raw_parts(bytes, length) }
    }
}

/// `readfile(NAME)`: what is in a file, or null.
unsafe extern "C" fn read_file(
    context: *mut ffi::sqlite3_context,
    _: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite gives one argument; the bytes are copied.
    unsafe {
        let name = String::from_utf8_lossy(argument(*arguments)).into_owned();
        if let Ok(contents) = std::fs::read(name) {
            let length = contents.len() as u64;
            ffi::sqlite3_result_blob64(context, contents.as_ptr().cast(), length, ffi::SQLITE_TRANSIENT());
        }
    }
}

/// `writefile(NAME, DATA)`: writes a file, and gives the number of bytes, or null.
unsafe extern "C" fn write_file(
    context: *mut ffi::sqlite3_context,
    _: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite gives two arguments.
    unsafe {
        let name = String::from_utf8_lossy(argument(*arguments)).into_owned();
        let data = argument(*arguments.add(1));
        if std::fs::write(&name, data).is_ok() {
            ffi::sqlite3_result_int64(context, i64::try_from(data.len()).unwrap_or(i64::MAX));
        }
    }
}

impl Statement<'_> {
    /// Goes to the next row; `false` after the last.
    pub fn step(&mut self) -> Result<bool, Failure> {
        // SAFETY: the statement is there.
        match unsafe { ffi::sqlite3_step(self.raw) } {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => Ok(false),
            code => Err(self.database.failure(code)),
        }
    }

    /// Makes it begin again.
    pub fn reset(&mut self) {
        // SAFETY: the statement is there.
        unsafe { ffi::sqlite3_reset(self.raw) };
    }

    /// Gives a parameter, counted from 1, a text, or null.
    pub fn bind(&mut self, at: usize, text: Option<&[u8]>) {
        let at = c_int::try_from(at).unwrap_or(0);
        // SAFETY: the statement is there, and the text is copied.
        unsafe {
            match text.and_then(|text| Some((text, c_int::try_from(text.len()).ok()?))) {
                Some((text, length)) => ffi::sqlite3_bind_text(
                    self.raw,
                    at,
                    text.as_ptr().cast(),
                    length,
                    ffi::SQLITE_TRANSIENT(),
                ),
                None => ffi::sqlite3_bind_null(self.raw, at),
            };
        }
    }

    /// Gives a parameter the value of a column of another statement.
    pub fn bind_from(&mut self, at: usize, row: &Statement, column: usize) {
        // SAFETY: both are there; the value is copied.
        unsafe {
            let value = ffi::sqlite3_column_value(row.raw, number(column));
            ffi::sqlite3_bind_value(self.raw, number(at), value);
        }
    }

    /// The names of the parameters, counted from 1; `?` has none.
    pub fn parameters(&self) -> Vec<Option<String>> {
        // SAFETY: the statement is there.
        unsafe {
            (1..=ffi::sqlite3_bind_parameter_count(self.raw))
                .map(|at| {
                    let name = ffi::sqlite3_bind_parameter_name(self.raw, at);
                    (!name.is_null()).then(|| owned(name))
                })
                .collect()
        }
    }

    pub fn columns(&self) -> usize {
        // SAFETY: the statement is there.
        usize::try_from(unsafe { ffi::sqlite3_column_count(self.raw) }).unwrap_or(0)
    }

    pub fn name(&self, column: usize) -> String {
        // SAFETY: the statement is there; of a column that is not the name is null.
        unsafe { owned(ffi::sqlite3_column_name(self.raw, number(column))) }
    }

    pub fn kind(&self, column: usize) -> Kind {
        // SAFETY: the statement is there.
        match unsafe { ffi::sqlite3_column_type(self.raw, number(column)) } {
            ffi::SQLITE_INTEGER => Kind::Integer,
            ffi::SQLITE_FLOAT => Kind::Real,
            ffi::SQLITE_TEXT => Kind::Text,
            ffi::SQLITE_BLOB => Kind::Blob,
            _ => Kind::Null,
        }
    }

    /// A value as a text, whatever it is; up to a zero, as programs in C have it.
    pub fn text(&mut self, column: usize) -> &[u8] {
        let bytes = self.bytes(column, true);
        bytes.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    pub fn blob(&mut self, column: usize) -> &[u8] {
        self.bytes(column, false)
    }

    fn bytes(&self, column: usize, is_text: bool) -> &[u8] {
        // SAFETY: the statement is there, and the bytes stay until it moves on or is asked for another form of them. The
        // number of bytes is asked for after the bytes.
        unsafe {
            let bytes = if is_text {
                ffi::sqlite3_column_text(self.raw, number(column))
            } else {
                ffi::sqlite3_column_blob(self.raw, number(column)).cast()
            };
            let length = usize::try_from(ffi::sqlite3_column_bytes(self.raw, number(column))).unwrap_or(0);
            if bytes.is_null() { &[] } else { std::slice::from_raw_parts(bytes, length) }
        }
    }

    pub fn lossy(&self, column: usize) -> String {
        String::from_utf8_lossy(self.bytes(column, true)).into_owned()
    }

    pub fn integer(&self, column: usize) -> i64 {
        // SAFETY: the statement is there.
        unsafe { ffi::sqlite3_column_int64(self.raw, number(column)) }
    }

    pub fn real(&self, column: usize) -> f64 {
        // SAFETY: the statement is there.
        unsafe { ffi::sqlite3_column_double(self.raw, number(column)) }
    }

    /// Whether it explains (1), or tells of a plan (2).
    pub fn explains(&self) -> c_int {
        // SAFETY: the statement is there.
        unsafe { ffi::sqlite3_stmt_isexplain(self.raw) }
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: it was made once.
        unsafe { ffi::sqlite3_finalize(self.raw) };
    }
}

fn number(column: usize) -> c_int {
    c_int::try_from(column).unwrap_or(c_int::MAX)
}
